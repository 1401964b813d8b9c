import java.io.File;
import java.util.HashMap;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.persistence.FileSnap;

/**
 * Writes the snapshot of a server that has just been made, which servers of 3.4 do not write themselves.
 *   java -cp CLASSPATH EmptySnapshot.java FILE
 */
public final class EmptySnapshot {
    private EmptySnapshot() { }

    public static void main(String[] args) throws Exception {
        File file = new File(args[0]).getAbsoluteFile();
        new FileSnap(file.getParentFile()).serialize(new DataTree(), new HashMap<Long, Integer>(), file);
        System.exit(0);
    }
}
