/**
 * Runs ZooKeeper's own server main and halts the JVM when standard input ends. The parent process holds the other end of that pipe, so a
 * server never outlives the test that started it, however the test dies (SIGKILL included).
 */
public final class GuardedServer {
    private GuardedServer() { }

    public static void main(String[] args) throws Exception {
        Thread guard = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Only the end of the stream means anything.
                }
            } catch (java.io.IOException e) {
                // A broken pipe is an end as well.
            }
            Runtime.getRuntime().halt(137);
        }, "parent-guard");
        guard.setDaemon(true);
        guard.start();
        org.apache.zookeeper.server.quorum.QuorumPeerMain.main(args);
    }
}
