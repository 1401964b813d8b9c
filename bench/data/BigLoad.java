import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/**
 * Fills a server for benchmarks. The choice of paths and values depends on the numbers given alone.
 *   BigLoad base host:port <znodes>   four wide parents hold a fifth of all znodes, the rest is application trees down to depth 8
 *   BigLoad log  host:port <txns>     half creates, half setData, over 200 parents, on 8 pipelined connections
 */
public final class BigLoad {
    private static final int WINDOW = 400;
    private static final AtomicLong failures = new AtomicLong();
    private static final Semaphore[] windows = new Semaphore[8];

    private BigLoad() { }

    public static void main(String[] args) throws Exception {
        long startedAt = System.nanoTime();
        int count = Integer.parseInt(args[2]);
        int connections = args[0].equals("base") ? 4 : 8;
        List<ZooKeeper> clients = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            clients.add(open(args[1]));
            windows[i] = new Semaphore(WINDOW);
        }
        if (args[0].equals("base")) base(clients, count);
        else log(clients, count);
        for (ZooKeeper client : clients) client.close();
        System.out.println("{\"phase\":\"" + args[0] + "\",\"count\":" + count + ",\"failures\":" + failures.get() + ",\"elapsedMs\":"
            + (System.nanoTime() - startedAt) / 1_000_000 + "}");
        System.exit(failures.get() == 0 ? 0 : 1);
    }

    private static ZooKeeper open(String connect) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(connect, 40000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
        });
        if (!connected.await(20, TimeUnit.SECONDS)) throw new IllegalStateException("cannot connect");
        client.addAuthInfo("digest", "super:super".getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    private static byte[] data(Random random) {
        int kind = random.nextInt(1000);
        if (kind < 17) return new byte[0];
        int size = kind < 20 ? 10_000 : 20 + random.nextInt(280);
        byte[] bytes = new byte[size];
        if (kind % 10 < 3) {
            random.nextBytes(bytes);
            return bytes;
        }
        StringBuilder json = new StringBuilder();
        while (json.length() < size) json.append(registration(random));
        byte[] text = json.toString().getBytes(StandardCharsets.US_ASCII);
        return Arrays.copyOf(text, size);
    }

    /** What services keep about themselves: the same words and a few hundred hosts over and over, with numbers that differ. */
    private static String registration(Random random) {
        int host = random.nextInt(400);
        switch (random.nextInt(3)) {
            case 0:
                return "{\"host\":\"node-" + host + ".rack-" + host % 20 + ".eu-west-1.example.org\",\"port\":" + (9000 + random.nextInt(100))
                    + ",\"state\":\"RUNNING\",\"epoch\":" + random.nextInt(5000) + ",\"updated\":" + (1790000000000L + random.nextInt(1 << 30)) + "}";
            case 1:
                return "{\"controller_epoch\":" + random.nextInt(40) + ",\"leader\":" + host % 12 + ",\"version\":1,\"leader_epoch\":" + random.nextInt(900)
                    + ",\"isr\":[" + host % 12 + "," + (host + 1) % 12 + "," + (host + 2) % 12 + "]}";
            default:
                return "columns format version: 1\n5 columns:\n`id` UInt64\n`time` DateTime('UTC')\n`host` LowCardinality(String)\n`value` Float64\n`tags` Array(String)\nreplica-"
                    + host + " block " + random.nextInt(1 << 20) + "\n";
        }
    }

    private static List<ACL> acl(Random random) {
        if (random.nextInt(20) > 0) return ZooDefs.Ids.OPEN_ACL_UNSAFE;
        return Collections.singletonList(new ACL(ZooDefs.Perms.ALL, new Id("digest", "user" + random.nextInt(20) + ":AbCdEfGhIjKlMnOpQrStUvWxYz0=")));
    }

    /** Creates one znode a txn, as applications do, on one connection per subtree, so that parents always come first. */
    private static final class Creator {
        private final ZooKeeper client;
        private final Semaphore window;
        private final Random random;
        private int left;

        Creator(ZooKeeper client, Semaphore window, int seed, int left) {
            this.client = client;
            this.window = window;
            this.random = new Random(seed);
            this.left = left;
        }

        boolean add(String path, boolean isLeaf) throws Exception {
            if (left == 0) return false;
            left--;
            window.acquire();
            client.create(path, data(random), isLeaf ? acl(random) : ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
                (rc, created, context, name) -> answered(rc, window), null);
            return true;
        }
    }

    private static void base(List<ZooKeeper> clients, int count) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients.size(); i++) {
            int worker = i;
            int share = count / clients.size() + (i < count % clients.size() ? 1 : 0);
            Thread thread = new Thread(() -> {
                try {
                    Creator creator = new Creator(clients.get(worker), windows[worker], worker + 1, share);
                    tree(creator, worker, share / 5);
                    windows[worker].acquire(WINDOW);
                } catch (Exception e) {
                    e.printStackTrace();
                    failures.incrementAndGet();
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) thread.join();
    }

    private static void tree(Creator creator, int worker, int wide) throws Exception {
        creator.add("/wide-" + worker, false);
        for (int i = 0; i < wide; i++) creator.add(String.format("/wide-%d/task-%010d", worker, i), true);
        String root = "/applications-" + worker;
        creator.add(root, false);
        for (int team = 0; ; team++) {
            String teamPath = root + String.format("/team-%03d", team);
            if (!creator.add(teamPath, false)) return;
            for (int service = 0; service < 20; service++) {
                String servicePath = teamPath + String.format("/service-%02d", service);
                if (!creator.add(servicePath, false)) return;
                for (String env : new String[] {"prod", "test"}) {
                    creator.add(servicePath + "/" + env, false);
                    for (int kind = 0; kind < 4; kind++) {
                        String kindPath = servicePath + "/" + env + "/kind" + kind;
                        creator.add(kindPath, false);
                        for (int group = 0; group < 5; group++) {
                            creator.add(kindPath + "/g" + group, false);
                            for (int leaf = 0; leaf < 10; leaf++) creator.add(kindPath + "/g" + group + "/k" + leaf, true);
                            creator.add(kindPath + "/g" + group + "/k0/deep", true);
                        }
                    }
                }
            }
        }
    }

    private static void log(List<ZooKeeper> clients, int txns) throws Exception {
        ZooKeeper first = clients.get(0);
        int parents = 200;
        first.create("/live", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        for (int i = 0; i < parents; i++) first.create(String.format("/live/parent-%03d", i), null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients.size(); i++) {
            int worker = i;
            int pairs = txns / 2 / clients.size();
            Thread thread = new Thread(() -> pipeline(clients.get(worker), worker, pairs, parents));
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) thread.join();
    }

    /** Each step creates one znode and sets one that this connection made before. */
    private static void pipeline(ZooKeeper client, int worker, int pairs, int parents) {
        Random random = new Random(1000 + worker);
        Semaphore window = windows[worker];
        try {
            for (int i = 0; i < pairs; i++) {
                window.acquire(2);
                client.create(path(worker, i, parents), data(random), acl(random), CreateMode.PERSISTENT, (rc, path, context, name) -> answered(rc, window), null);
                client.setData(path(worker, random.nextInt(i + 1), parents), data(random), -1, (rc, path, context, stat) -> answered(rc, window), null);
            }
            window.acquire(WINDOW);
        } catch (InterruptedException e) {
            failures.incrementAndGet();
        }
    }

    private static void answered(int rc, Semaphore window) {
        if (rc != KeeperException.Code.OK.intValue()) failures.incrementAndGet();
        window.release();
    }

    private static String path(int worker, int index, int parents) {
        return String.format("/live/parent-%03d/item-%d-%07d", (index * 7 + worker) % parents, worker, index);
    }
}
