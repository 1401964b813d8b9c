import java.util.HashMap;
import java.util.Map;

/** `--name value` pairs; anything else is skipped. */
final class Options {
    private Options() { }

    static Map<String, String> parse(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < args.length; i++) {
            if (args[i].startsWith("--")) options.put(args[i].substring(2), args[++i]);
        }
        return options;
    }
}
