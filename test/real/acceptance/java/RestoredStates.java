import java.io.BufferedWriter;
import java.io.File;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Map;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.ZKDatabase;
import org.apache.zookeeper.server.persistence.FileTxnSnapLog;

/**
 * Loads restored data directories just as a starting server does (ZKDatabase) and dumps each as the oracle dumps its states.
 *   java -cp CLASSPATH RestoredStates.java OUT NAME=DIRECTORY...     writes OUT/NAME.ndjson
 * It runs from its source: what it shares with the testbed's Oracle is private there and reached by reflection.
 */
public final class RestoredStates {
    private RestoredStates() { }

    public static void main(String[] args) throws Exception {
        Class<?> access = Class.forName("Oracle$DigestAccess");
        Constructor<?> newAccess = access.getDeclaredConstructor();
        newAccess.setAccessible(true);
        Method dump = Class.forName("Oracle").getDeclaredMethod("dump", DataTree.class, Map.class, access, String.class, BufferedWriter.class);
        dump.setAccessible(true);
        Path out = Files.createDirectories(Paths.get(args[0]));
        for (int i = 1; i < args.length; i++) {
            String name = args[i].substring(0, args[i].indexOf('='));
            File directory = new File(args[i].substring(args[i].indexOf('=') + 1));
            FileTxnSnapLog files = new FileTxnSnapLog(directory, directory);
            ZKDatabase database = new ZKDatabase(files);
            database.loadDataBase();
            try (BufferedWriter writer = Files.newBufferedWriter(out.resolve(name + ".ndjson"), StandardCharsets.US_ASCII)) {
                dump.invoke(null, database.getDataTree(), database.getSessionWithTimeOuts(), newAccess.newInstance(), "restored", writer);
            }
            database.close();
        }
        System.exit(0);
    }
}
