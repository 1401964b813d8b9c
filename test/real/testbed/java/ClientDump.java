import java.io.BufferedWriter;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * What a client sees: a walk of a live server through the real client as the super user.
 *   ClientDump --connect host:port --out FILE [--path /a]
 * Fields are the Stat's: cversion counts changes, ephemeralOwner is 0 for containers and TTL nodes. A znode that vanishes during the walk is left out.
 */
public final class ClientDump {
    private ClientDump() { }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = Options.parse(args);
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(options.get("connect"), 30000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
        });
        if (!connected.await(20, TimeUnit.SECONDS)) throw new IllegalStateException("cannot connect to " + options.get("connect"));
        client.addAuthInfo("digest", "super:super".getBytes(StandardCharsets.US_ASCII));
        TreeMap<String, String> lines = new TreeMap<>(NodeLine.BY_PATH_BYTES);
        walk(client, options.getOrDefault("path", "/"), lines);
        try (BufferedWriter out = Files.newBufferedWriter(new File(options.get("out")).toPath(), StandardCharsets.US_ASCII)) {
            out.write(new Json().raw("zxid", "null").raw("sessions", "null").number("znodeCount", lines.size()).line());
            for (String line : lines.values()) out.write(line);
        }
        client.close();
        System.exit(0);
    }

    private static void walk(ZooKeeper client, String path, Map<String, String> lines) throws Exception {
        java.util.List<String> children;
        try {
            Stat stat = new Stat();
            byte[] data = client.getData(path, false, stat);
            lines.put(path, NodeLine.of(path, data, client.getACL(path, new Stat()), stat.getCzxid(), stat.getMzxid(), stat.getCtime(), stat.getMtime(),
                stat.getVersion(), stat.getCversion(), stat.getAversion(), stat.getEphemeralOwner(), stat.getPzxid())
                .number("dataLength", stat.getDataLength()).number("numChildren", stat.getNumChildren()).line());
            children = client.getChildren(path, false);
        } catch (KeeperException.NoNodeException vanished) {
            return;
        }
        for (String child : children) walk(client, path.equals("/") ? "/" + child : path + "/" + child, lines);
    }
}
