import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.jute.BinaryOutputArchive;
import org.apache.jute.Record;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.DataNode;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.persistence.FileSnap;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.server.persistence.FileTxnSnapLog;
import org.apache.zookeeper.server.persistence.TxnLog;
import org.apache.zookeeper.server.persistence.Util;
import org.apache.zookeeper.txn.TxnHeader;

/**
 * The independent second implementation: what the server's own classes of this very release make of a data directory. It never reads the
 * directory it is given, only a throw-away folder of symbolic links to its files, because ZooKeeper deletes empty logs while it reads.
 *
 *   Oracle state --snap-dir D --log-dir D --out DIR --at z1,z2,... [--snapshot FILE]    DIR/<zxid in hex>.ndjson each; `latest` = end of the log
 *   Oracle txns --log FILE --out FILE
 * D is the folder that holds snapshot.* and log.* (version-2).
 */
public final class Oracle {
    private Oracle() { }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = Options.parse(args);
        Path work = Files.createTempDirectory("zooark-oracle");
        try {
            if (args[0].equals("state")) states(options, work);
            else if (args[0].equals("txns")) txns(options, work);
            else throw new IllegalArgumentException("unknown mode " + args[0]);
        } finally {
            deleteTree(work);
        }
        System.exit(0);
    }

    private static void states(Map<String, String> options, Path work) throws Exception {
        TreeSet<Long> stops = new TreeSet<>(Long::compareUnsigned);
        for (String text : options.get("at").split(",")) stops.add(text.equals("latest") ? -1L : Long.parseUnsignedLong(text.replaceFirst("^0x", ""), 16));
        File snapshot = options.containsKey("snapshot") ? new File(options.get("snapshot")) : newestSnapshot(new File(options.get("snap-dir")), stops.first());
        Path version2 = Files.createDirectories(work.resolve("version-2"));
        Files.createSymbolicLink(version2.resolve(snapshot.getName()), snapshot.getAbsoluteFile().toPath());
        DataTree tree = new DataTree();
        ConcurrentHashMap<Long, Integer> sessions = new ConcurrentHashMap<>();
        new FileSnap(version2.toFile()).deserialize(tree, sessions);
        linkLogs(new File(options.get("log-dir")), version2);
        FileTxnSnapLog replay = new FileTxnSnapLog(work.toFile(), work.toFile());
        TxnLog.TxnIterator txns = new FileTxnLog(version2.toFile()).read(tree.lastProcessedZxid + 1);
        DigestAccess digests = new DigestAccess();
        Path out = Files.createDirectories(new File(options.get("out")).toPath());
        boolean more = txns.getHeader() != null;
        long base = tree.lastProcessedZxid;
        if (stops.first() != -1L && Long.compareUnsigned(stops.first(), base) < 0) throw new IllegalArgumentException("snapshot is newer than the first zxid asked for");
        for (long stop : stops) {
            while (more && Long.compareUnsigned(txns.getHeader().getZxid(), stop) <= 0) {
                replay.processTransaction(txns.getHeader(), tree, sessions, txns.getTxn());
                digests.compare(tree, txns);
                more = txns.next();
            }
            String name = stop == -1L ? "latest" : Long.toHexString(stop);
            try (BufferedWriter writer = Files.newBufferedWriter(out.resolve(name + ".ndjson"), StandardCharsets.US_ASCII)) {
                dump(tree, sessions, digests, snapshot.getName(), writer);
            }
        }
        txns.close();
    }

    private static void dump(DataTree tree, Map<Long, Integer> sessions, DigestAccess digests, String snapshot, BufferedWriter out) throws Exception {
        TreeMap<String, DataNode> nodes = new TreeMap<>(NodeLine.BY_PATH_BYTES);
        collect(tree, "/", nodes);
        StringBuilder sessionText = new StringBuilder("[");
        TreeMap<Long, Integer> sorted = new TreeMap<>(Long::compareUnsigned);
        sorted.putAll(sessions);
        for (Map.Entry<Long, Integer> session : sorted.entrySet()) {
            if (sessionText.length() > 1) sessionText.append(',');
            String line = new Json().hex("id", session.getKey()).number("timeout", session.getValue()).line();
            sessionText.append(line, 0, line.length() - 1);
        }
        Json first = new Json().hex("zxid", tree.lastProcessedZxid).raw("sessions", sessionText.append(']').toString());
        digests.describe(tree, first);
        out.write(first.number("znodeCount", nodes.size()).text("snapshot", snapshot).line());
        for (Map.Entry<String, DataNode> entry : nodes.entrySet()) out.write(nodeLine(tree, entry.getKey(), entry.getValue()));
    }

    private static void collect(DataTree tree, String path, Map<String, DataNode> into) {
        DataNode node = tree.getNode(path);
        into.put(path, node);
        for (String child : node.getChildren()) collect(tree, path.equals("/") ? "/" + child : path + "/" + child, into);
    }

    private static String nodeLine(DataTree tree, String path, DataNode node) throws Exception {
        List<ACL> acls;
        try {
            acls = tree.getACL(node);
        } catch (RuntimeException dangling) {
            acls = null;
        }
        return NodeLine.of(path, tree.getData(path, new Stat(), null), acls, node.stat.getCzxid(), node.stat.getMzxid(), node.stat.getCtime(),
            node.stat.getMtime(), node.stat.getVersion(), node.stat.getCversion(), node.stat.getAversion(), node.stat.getEphemeralOwner(),
            node.stat.getPzxid()).line();
    }

    private static void txns(Map<String, String> options, Path work) throws Exception {
        File log = new File(options.get("log"));
        Path version2 = Files.createDirectories(work.resolve("version-2"));
        Files.createSymbolicLink(version2.resolve(log.getName()), log.getAbsoluteFile().toPath());
        DigestAccess digests = new DigestAccess();
        try (BufferedWriter out = Files.newBufferedWriter(new File(options.get("out")).toPath(), StandardCharsets.US_ASCII)) {
            TxnLog.TxnIterator txns = new FileTxnLog(version2.toFile()).read(0);
            try {
                if (txns.getHeader() == null) return;
                do {
                    TxnHeader header = txns.getHeader();
                    Json line = new Json().hex("zxid", header.getZxid()).number("type", header.getType()).hex("session", header.getClientId())
                        .number("cxid", header.getCxid()).decimal("time", header.getTime());
                    digests.describe(txns, line);
                    Record record = txns.getTxn();
                    line.text("record", record == null ? null : record.getClass().getSimpleName()).bytes("body", record == null ? null : bytesOf(record));
                    out.write(line.line());
                } while (txns.next());
            } catch (IOException unreadable) {
                out.write(new Json().text("error", String.valueOf(unreadable.getMessage())).line());
            } finally {
                txns.close();
            }
        }
    }

    private static byte[] bytesOf(Record record) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        record.serialize(BinaryOutputArchive.getArchive(bytes), "txn");
        return bytes.toByteArray();
    }

    private static File newestSnapshot(File directory, long through) {
        List<File> found = new ArrayList<>();
        for (File file : directory.listFiles()) {
            if (file.getName().startsWith("snapshot.") && Long.compareUnsigned(Util.getZxidFromName(file.getName(), "snapshot"), through) <= 0) found.add(file);
        }
        if (found.isEmpty()) throw new IllegalArgumentException("no snapshot at or before 0x" + Long.toHexString(through) + " in " + directory);
        found.sort(Comparator.comparing((File file) -> Util.getZxidFromName(file.getName(), "snapshot"), Long::compareUnsigned));
        return found.get(found.size() - 1);
    }

    private static void linkLogs(File directory, Path into) throws IOException {
        for (File file : directory.listFiles()) {
            if (file.getName().startsWith("log.")) Files.createSymbolicLink(into.resolve(file.getName()), file.getAbsoluteFile().toPath());
        }
    }

    private static void deleteTree(Path root) throws IOException {
        List<Path> paths = new ArrayList<>();
        try (java.util.stream.Stream<Path> walk = Files.walk(root)) {
            walk.forEach(paths::add);
        }
        for (int i = paths.size() - 1; i >= 0; i--) Files.deleteIfExists(paths.get(i));
    }

    /** Digests came with 3.6; before that every question is answered with nothing. */
    private static final class DigestAccess {
        private final Method treeDigest = method(DataTree.class, "getTreeDigest");
        private final Method loadedDigest = method(DataTree.class, "getDigestFromLoadedSnapshot");
        private final Method txnDigest = method(TxnLog.TxnIterator.class, "getDigest");
        private long compared;
        private long mismatches;

        void compare(DataTree tree, TxnLog.TxnIterator txns) throws Exception {
            if (treeDigest == null || loadedDigest.invoke(tree) != null) return;
            Object digest = txnDigest.invoke(txns);
            if (digest == null) return;
            compared++;
            if (longOf(digest, "getTreeDigest") != (Long) treeDigest.invoke(tree)) mismatches++;
        }

        void describe(DataTree tree, Json line) throws Exception {
            if (treeDigest == null) return;
            line.hex("digest", (Long) treeDigest.invoke(tree)).number("digestsCompared", compared).number("digestMismatches", mismatches);
            Object loaded = loadedDigest.invoke(tree);
            if (loaded != null) line.hex("settledZxid", longOf(loaded, "getZxid"));
        }

        void describe(TxnLog.TxnIterator txns, Json line) throws Exception {
            Object digest = txnDigest == null ? null : txnDigest.invoke(txns);
            if (digest == null) return;
            line.number("digestVersion", longOf(digest, "getVersion")).hex("digest", longOf(digest, "getTreeDigest"));
        }

        private static long longOf(Object target, String name) throws Exception {
            Method getter = target.getClass().getMethod(name);
            getter.setAccessible(true);
            return ((Number) getter.invoke(target)).longValue();
        }

        private static Method method(Class<?> owner, String name) {
            try {
                return owner.getMethod(name);
            } catch (NoSuchMethodException older) {
                return null;
            }
        }
    }
}
