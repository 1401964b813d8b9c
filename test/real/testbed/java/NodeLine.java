import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import org.apache.zookeeper.data.ACL;

/** The JSON line of one znode, the same from the oracle and from a client. */
final class NodeLine {
    private NodeLine() { }

    /** Unsigned order of the UTF-8 bytes of the whole path. */
    static final Comparator<String> BY_PATH_BYTES = (a, b) -> {
        byte[] left = a.getBytes(StandardCharsets.UTF_8);
        byte[] right = b.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < Math.min(left.length, right.length); i++) {
            int difference = (left[i] & 0xff) - (right[i] & 0xff);
            if (difference != 0) return difference;
        }
        return left.length - right.length;
    };

    /** `acls` null (a key that is in no ACL cache) is printed as null. */
    static Json of(String path, byte[] data, List<ACL> acls, long czxid, long mzxid, long ctime, long mtime, int version, int cversion, int aversion,
                   long ephemeralOwner, long pzxid) {
        return new Json().text("path", path).bytes("data", data).raw("acl", aclText(acls))
            .hex("czxid", czxid).hex("mzxid", mzxid).decimal("ctime", ctime).decimal("mtime", mtime)
            .number("version", version).number("cversion", cversion).number("aversion", aversion)
            .hex("ephemeralOwner", ephemeralOwner).hex("pzxid", pzxid);
    }

    private static String aclText(List<ACL> acls) {
        if (acls == null) return "null";
        StringBuilder out = new StringBuilder("[");
        for (ACL acl : acls) {
            if (out.length() > 1) out.append(',');
            String line = new Json().number("perms", acl.getPerms()).text("scheme", acl.getId().getScheme()).text("id", acl.getId().getId()).line();
            out.append(line, 0, line.length() - 1);
        }
        return out.append(']').toString();
    }
}
