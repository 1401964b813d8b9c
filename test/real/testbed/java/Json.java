import java.util.Base64;

/** Just enough JSON to print one flat line. Everything outside ASCII is escaped, so a lone surrogate survives the way to the reader. */
final class Json {
    private final StringBuilder out = new StringBuilder("{");

    Json raw(String name, String value) {
        if (out.length() > 1) out.append(',');
        out.append('"').append(name).append("\":").append(value);
        return this;
    }

    Json number(String name, long value) {
        return raw(name, Long.toString(value));
    }

    Json text(String name, String value) {
        return raw(name, quote(value));
    }

    Json hex(String name, long value) {
        return raw(name, "\"0x" + Long.toHexString(value) + '"');
    }

    Json decimal(String name, long value) {
        return raw(name, "\"" + value + '"');
    }

    Json bytes(String name, byte[] value) {
        return raw(name, value == null ? "null" : '"' + Base64.getEncoder().encodeToString(value) + '"');
    }

    String line() {
        return out + "}\n";
    }

    static String quote(String value) {
        if (value == null) return "null";
        StringBuilder quoted = new StringBuilder(value.length() + 2).append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') quoted.append('\\').append(c);
            else if (c >= 0x20 && c < 0x7f) quoted.append(c);
            else quoted.append(String.format("\\u%04x", (int) c));
        }
        return quoted.append('"').toString();
    }
}
