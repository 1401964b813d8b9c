import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.AsyncCallback;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/**
 * Mixed load through the real client. Each session draws its operations from its own seeded generator, so the choice of operations (not their
 * interleaving between sessions) depends on the seed alone.
 *   Load --connect h:p --seed 1 --ops 5000 [--sessions 4] [--rate 0] [--duration-ms 60000] [--data-bytes-max 300] [--root /load]
 *        [--keep-max 400] [--server-version 3.8.4] [--reconfig-member "server.9=..."] [--acl-users 20] [--linger 0]
 * Stops at the first of: ops, duration, end of standard input. Prints one JSON line a second and a last one with "done":true.
 * `linger` 1 leaves the sessions' ephemerals to expire instead of closing them at the end.
 */
public final class Load {
    private static final String[] NAMES = {"a", "b.c", "b-c", "b!", "b", "b c", "n\u00e9", "\u4e2d\u6587", "\u03a9mega", "100%", "q\"uote", "back\\slash", "_x", "~z", "\ufb01n"};
    private static final AtomicLong done = new AtomicLong();
    private static final AtomicLong refused = new AtomicLong();
    private static volatile boolean stopped;

    private final Map<String, String> options;
    private final Random random;
    private final String home;
    private final int dataBytesMax;
    private final int keepMax;
    private final int aclUsers;
    private final int minor;
    private final List<String> paths = new ArrayList<>();
    private final List<String> containers = new ArrayList<>();
    private Client client;
    private long names;
    private boolean memberAdded;

    private Load(Map<String, String> options, int session) {
        this.options = options;
        this.random = new Random(Long.parseLong(options.getOrDefault("seed", "1")) * 1_000_003L + session);
        this.home = options.getOrDefault("root", "/load") + "/w" + session;
        this.dataBytesMax = Integer.parseInt(options.getOrDefault("data-bytes-max", "300"));
        this.keepMax = Integer.parseInt(options.getOrDefault("keep-max", "400"));
        this.aclUsers = Integer.parseInt(options.getOrDefault("acl-users", "20"));
        this.minor = Integer.parseInt(options.getOrDefault("server-version", "3.8.4").split("\\.")[1]);
    }

    /** A client that can drop its connection without closing its session, so that the session expires on the server. */
    static final class Client extends ZooKeeper {
        private Client(String connect, int timeoutMs, Watcher watcher) throws java.io.IOException {
            super(connect, timeoutMs, watcher);
        }

        static Client open(String connect, int timeoutMs) throws Exception {
            CountDownLatch connected = new CountDownLatch(1);
            Client client = new Client(connect, timeoutMs, event -> {
                if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
            });
            if (!connected.await(20, TimeUnit.SECONDS)) throw new IllegalStateException("cannot connect to " + connect);
            return client;
        }

        void abandon() {
            cnxn.disconnect();
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = Options.parse(args);
        int sessions = Integer.parseInt(options.getOrDefault("sessions", "4"));
        long ops = Long.parseLong(options.getOrDefault("ops", "1000"));
        long rate = Long.parseLong(options.getOrDefault("rate", "0"));
        long startedAt = System.nanoTime();
        long endsAt = startedAt + Long.parseLong(options.getOrDefault("duration-ms", "60000")) * 1_000_000L;
        stopWhenInputEnds();
        prepare(options);
        List<Thread> threads = new ArrayList<>();
        List<String> failures = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < sessions; i++) {
            Load load = new Load(options, i);
            long share = ops / sessions + (i < ops % sessions ? 1 : 0);
            Thread thread = new Thread(() -> {
                try {
                    load.run(share, endsAt, rate == 0 ? 0 : 1_000_000_000L * sessions / rate);
                } catch (Exception e) {
                    failures.add(String.valueOf(e));
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            do {
                thread.join(1000);
                report(startedAt, thread.isAlive() ? null : false, failures);
            } while (thread.isAlive());
        }
        report(startedAt, true, failures);
        System.exit(failures.isEmpty() ? 0 : 1);
    }

    private static void report(long startedAt, Boolean last, List<String> failures) {
        if (last != null && !last) return;
        Json line = new Json().number("ops", done.get()).number("refused", refused.get()).number("elapsedMs", (System.nanoTime() - startedAt) / 1_000_000);
        if (!failures.isEmpty()) line.text("failure", failures.get(0));
        System.out.print(line.raw("done", String.valueOf(last != null)).line());
        System.out.flush();
    }

    private static void stopWhenInputEnds() {
        Thread thread = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException e) {
                // An unreadable input counts as its end.
            }
            stopped = true;
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void prepare(Map<String, String> options) throws Exception {
        Client client = Client.open(options.get("connect"), 30000);
        String root = options.getOrDefault("root", "/load");
        createIfAbsent(client, root, "root".getBytes(StandardCharsets.UTF_8));
        quota(client, root);
        client.close();
    }

    /** The three znodes that zkCli's setquota makes: without them the server keeps no usage for the path. */
    private static void quota(Client client, String path) throws Exception {
        createIfAbsent(client, "/zookeeper/quota" + path, null);
        createIfAbsent(client, "/zookeeper/quota" + path + "/zookeeper_limits", "count=1000000,bytes=1000000000".getBytes(StandardCharsets.UTF_8));
        createIfAbsent(client, "/zookeeper/quota" + path + "/zookeeper_stats", "count=0,bytes=0".getBytes(StandardCharsets.UTF_8));
    }

    private static void createIfAbsent(ZooKeeper client, String path, byte[] data) throws Exception {
        try {
            client.create(path, data, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        } catch (KeeperException.NodeExistsException already) {
            // Another run made it.
        }
    }

    private void run(long ops, long endsAt, long nanosPerOp) throws Exception {
        client = Client.open(options.get("connect"), 30000);
        client.addAuthInfo("digest", "load:secret".getBytes(StandardCharsets.US_ASCII));
        createIfAbsent(client, home, null);
        long next = System.nanoTime();
        for (long i = 0; i < ops && !stopped && System.nanoTime() < endsAt; i++) {
            try {
                operation(i);
            } catch (KeeperException.ConnectionLossException | KeeperException.SessionExpiredException lost) {
                if (!client.getState().isAlive()) client = Client.open(options.get("connect"), 30000);
                Thread.sleep(100);
            } catch (KeeperException expected) {
                refused.incrementAndGet();
            }
            done.incrementAndGet();
            next += nanosPerOp;
            long waitMs = (next - System.nanoTime()) / 1_000_000;
            if (nanosPerOp > 0 && waitMs > 0) Thread.sleep(waitMs);
        }
        if (options.getOrDefault("linger", "0").equals("1")) client.abandon();
        else client.close();
    }

    private void operation(long index) throws Exception {
        int dice = random.nextInt(1000);
        if (index % 40 == 20 && options.containsKey("reconfig-member")) reconfigure();
        else if (paths.size() > keepMax && dice < 500) removeOne();
        else if (dice < 230) create(CreateMode.PERSISTENT);
        else if (dice < 290) create(CreateMode.PERSISTENT_SEQUENTIAL);
        else if (dice < 330) create(CreateMode.EPHEMERAL);
        else if (dice < 350) create(CreateMode.EPHEMERAL_SEQUENTIAL);
        else if (dice < 390) createWithStat();
        else if (dice < 430) container();
        else if (dice < 460) timeToLive();
        else if (dice < 680) setData();
        else if (dice < 770) removeOne();
        else if (dice < 830) setAcl();
        else if (dice < 880) multi();
        else if (dice < 920) failingMulti();
        else if (dice < 950) failing();
        else if (dice < 965) visitor();
        else if (dice < 985) rootSequence();
        else pipelinedSets();
    }

    private String anyPath() {
        return paths.isEmpty() ? home : paths.get(random.nextInt(paths.size()));
    }

    private String newPath() {
        String parent = random.nextInt(3) == 0 ? home : anyPath();
        if (parent.split("/").length > 12) parent = home;
        return parent + "/" + NAMES[random.nextInt(NAMES.length)] + (random.nextInt(8) == 0 ? "" : Long.toString(names++));
    }

    private byte[] data() {
        int kind = random.nextInt(10);
        if (kind == 0) return null;
        if (kind == 1) return new byte[0];
        if (kind < 6) return ("{\"value\":" + random.nextInt(1000) + ",\"note\":\"\u00fc\u4e2d\"}").getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[random.nextInt(dataBytesMax + 1)];
        random.nextBytes(bytes);
        return bytes;
    }

    private List<ACL> acl() {
        ACL me = new ACL(ZooDefs.Perms.ALL, new Id("auth", ""));
        switch (random.nextInt(10)) {
            case 0: return Collections.singletonList(me);
            case 1: return Arrays.asList(me, new ACL(ZooDefs.Perms.READ, new Id("world", "anyone")));
            case 2: return Arrays.asList(new ACL(ZooDefs.Perms.ALL, new Id("ip", "127.0.0.1")), new ACL(random.nextInt(31) + 1, new Id("ip", "10.0.0.0/8")));
            case 3: return Arrays.asList(me, new ACL(random.nextInt(31) + 1, new Id("digest", "user" + random.nextInt(aclUsers) + ":AbCdEfGhIjKlMnOpQrStUvWxYz0=")));
            default: return ZooDefs.Ids.OPEN_ACL_UNSAFE;
        }
    }

    private void remember(String path, CreateMode mode) {
        if (!mode.isEphemeral()) paths.add(path);
    }

    private void create(CreateMode mode) throws Exception {
        // An ephemeral znode must not become the parent of anything, so its path is not remembered.
        remember(client.create(newPath(), data(), acl(), mode), mode);
    }

    private void createWithStat() throws Exception {
        if (minor < 5) create(CreateMode.PERSISTENT);
        else {
            CreateMode mode = random.nextInt(4) == 0 ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT;
            remember((String) newer("create", new Class<?>[] {String.class, byte[].class, List.class, CreateMode.class, Stat.class}, newPath(), data(), acl(), mode, new Stat()), mode);
        }
    }

    /** A container that is empty again is deleted by the server after its check interval: that is how deleteContainer comes about. */
    private void container() throws Exception {
        if (minor < 5) create(CreateMode.PERSISTENT);
        else if (containers.isEmpty() || random.nextInt(3) > 0) {
            containers.add(client.create(newPath(), data(), acl(), CreateMode.valueOf("CONTAINER")));
        } else {
            String container = containers.remove(random.nextInt(containers.size()));
            String child = client.create(container + "/child", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            if (random.nextBoolean()) client.delete(child, -1);
        }
    }

    private void timeToLive() throws Exception {
        if (minor < 5) create(CreateMode.PERSISTENT);
        else {
            CreateMode mode = CreateMode.valueOf(random.nextInt(3) == 0 ? "PERSISTENT_SEQUENTIAL_WITH_TTL" : "PERSISTENT_WITH_TTL");
            long ttl = random.nextInt(3) == 0 ? 500 + random.nextInt(1000) : 1 + (random.nextLong() & 0xffffffffffL) / 2;
            newer("create", new Class<?>[] {String.class, byte[].class, List.class, CreateMode.class, Stat.class, long.class}, newPath(), data(), acl(), mode, new Stat(), ttl);
        }
    }

    private Object newer(String name, Class<?>[] types, Object... arguments) throws Exception {
        try {
            return ZooKeeper.class.getMethod(name, types).invoke(client, arguments);
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (e.getCause() instanceof Exception) throw (Exception) e.getCause();
            throw e;
        }
    }

    private void setData() throws Exception {
        client.setData(anyPath(), data(), -1);
    }

    private void removeOne() throws Exception {
        if (paths.isEmpty()) return;
        int index = random.nextInt(paths.size());
        String path = paths.get(index);
        client.delete(path, -1);
        paths.remove(index);
    }

    private void setAcl() throws Exception {
        client.setACL(anyPath(), acl(), -1);
    }

    private void multi() throws Exception {
        String path = newPath();
        String sequential = home + "/m-";
        client.multi(Arrays.asList(
            Op.create(path, data(), acl(), CreateMode.PERSISTENT),
            Op.create(path + "/inner", data(), ZooDefs.Ids.OPEN_ACL_UNSAFE, random.nextInt(4) == 0 ? CreateMode.EPHEMERAL : CreateMode.PERSISTENT),
            Op.setData(path, data(), 0),
            Op.check(path, 1),
            Op.delete(path + "/inner", -1),
            Op.create(sequential, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL)));
        paths.add(path);
    }

    private void failingMulti() throws Exception {
        client.multi(Arrays.asList(
            Op.create(newPath(), data(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.check(home, 1_000_000),
            Op.setData(home + "/missing", data(), -1)));
    }

    private void failing() throws Exception {
        switch (random.nextInt(4)) {
            case 0: client.delete(home + "/missing", -1); break;
            case 1: client.setData(home, data(), 1_000_000); break;
            case 2: client.create(home, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT); break;
            default: client.create(home + "/missing/child", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        }
    }

    /** A session that comes, makes ephemerals and goes: half of them close, half are left for the server to expire. */
    private void visitor() throws Exception {
        Client visitor = Client.open(options.get("connect"), 1000);
        boolean closes = random.nextBoolean();
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            visitor.create(home + "/visit-", data(), ZooDefs.Ids.OPEN_ACL_UNSAFE, i % 2 == 0 ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.PERSISTENT_SEQUENTIAL);
        }
        if (closes) visitor.close();
        else visitor.abandon();
    }

    private void rootSequence() throws Exception {
        remember(client.create(options.getOrDefault("root", "/load") + "/shared-", data(), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL), CreateMode.PERSISTENT);
    }

    /** Many requests in flight on one connection: what a snapshot taken under load gets fuzzy from. */
    private void pipelinedSets() throws Exception {
        int count = 20;
        CountDownLatch answered = new CountDownLatch(count);
        AsyncCallback.StatCallback onAnswer = (rc, path, context, stat) -> answered.countDown();
        for (int i = 0; i < count; i++) client.setData(anyPath(), data(), -1, onAnswer, null);
        answered.await(20, TimeUnit.SECONDS);
    }

    /** Adds and removes one member in turn; only in an ensemble with reconfiguration and only by the first session. */
    private void reconfigure() throws Exception {
        String member = options.get("reconfig-member");
        if (member == null || !home.endsWith("/w0")) {
            setData();
            return;
        }
        Class<?> admin = Class.forName("org.apache.zookeeper.admin.ZooKeeperAdmin");
        Watcher ignore = event -> { };
        Object reconfigurer = admin.getConstructor(String.class, int.class, Watcher.class).newInstance(options.get("connect"), 30000, ignore);
        ((ZooKeeper) reconfigurer).addAuthInfo("digest", "super:super".getBytes(StandardCharsets.US_ASCII));
        String id = member.substring("server.".length(), member.indexOf('='));
        try {
            admin.getMethod("reconfigure", String.class, String.class, String.class, long.class, Stat.class)
                .invoke(reconfigurer, memberAdded ? null : member, memberAdded ? id : null, null, -1L, new Stat());
            memberAdded = !memberAdded;
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (e.getCause() instanceof Exception) throw (Exception) e.getCause();
            throw e;
        } finally {
            ((ZooKeeper) reconfigurer).close();
        }
    }
}
