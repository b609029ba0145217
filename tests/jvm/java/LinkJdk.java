import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Links every class of the JDK that runs it, or of one module; the last line is a JSON object. */
public final class LinkJdk {
    public static void main(String[] args) throws Exception {
        long classes = 0, linked = 0, errors = 0, methods = 0;
        Map<String, Long> others = new TreeMap<>();
        ClassLoader loader = ClassLoader.getSystemClassLoader();
        try (Stream<Path> files = Files.walk(
                FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules", args))) {
            for (Path path : (Iterable<Path>) files::iterator) {
                String file = path.toString();
                if (!file.endsWith(".class") || file.endsWith("module-info.class")) continue;
                String name = path.subpath(2, path.getNameCount()).toString();
                name = name.substring(0, name.length() - 6).replace('/', '.');
                classes++;
                try {
                    methods += Class.forName(name, false, loader).getDeclaredMethods().length;
                    linked++;
                } catch (VerifyError | ClassFormatError e) {
                    if (++errors <= 20) System.out.println(name + ": " + e);
                } catch (Throwable e) {
                    others.merge(e.getClass().getName(), 1L, Long::sum);
                }
            }
        }
        System.err.println("others: " + others);
        System.out.printf("{\"classes\":%d,\"linked\":%d,\"verify_errors\":%d,\"methods\":%d}%n",
                classes, linked, errors, methods);
    }
}
