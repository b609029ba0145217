import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Links every class of a list of jars twice, as it is and rewritten, each jar in loaders of its own that
 * find other classes in all the jars. The outcomes must be the same, class by class.
 *
 * <p>usage: VerifyJars PROGRAM PLAN LIST FOLDER [PART OF]; the last line is a JSON object.
 */
public final class VerifyJars {
    private record Place(ZipFile jar, ZipEntry entry) {}

    private static final Map<String, Place> everywhere = new HashMap<>();

    private static final List<String> PLATFORM =
            List.of("java.", "javax.", "org.w3c.", "org.xml.", "org.ietf.", "jdk.", "sun.", "com.sun.");

    /** One jar's classes first, then everything. */
    private static final class Loader extends ClassLoader {
        private final Map<String, byte[]> own;

        Loader(Map<String, byte[]> own) {
            super(VerifyJars.class.getClassLoader());
            this.own = own;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded != null) return loaded;
                // A second javax.xml beside the JDK's breaks loader constraints, sooner or later.
                if (PLATFORM.stream().anyMatch(name::startsWith)) {
                    try {
                        return getPlatformClassLoader().loadClass(name);
                    } catch (ClassNotFoundException e) {
                        // one of the jars has it
                    }
                }
                byte[] bytes = bytesOf(name);
                if (bytes != null) return defineClass(name, bytes, 0, bytes.length);
                return super.loadClass(name, resolve);
            }
        }

        private byte[] bytesOf(String name) {
            byte[] bytes = own.get(name);
            if (bytes != null) return bytes;
            Place place = everywhere.get(name);
            if (place == null) return null;
            try (InputStream in = place.jar.getInputStream(place.entry)) {
                return in.readAllBytes();
            } catch (IOException e) {
                return null;
            }
        }
    }

    /** Links the class; "" when that works, or what was thrown. Asking for its methods links first. */
    private static String link(String name, ClassLoader loader, boolean[] verified) {
        try {
            Class<?> loaded = Class.forName(name, false, loader);
            loaded.getDeclaredMethods();
            verified[0] = true;
            return "";
        } catch (Throwable e) {
            return e.getClass().getName() + ": " + e.getMessage();
        }
    }

    /** group:artifact:version or group:artifact:version:classifier, where a Maven repository has it. */
    private static String pathOf(String line) {
        String[] parts = line.split(":");
        String name = parts[1] + "-" + parts[2] + (parts.length > 3 ? "-" + parts[3] : "") + ".jar";
        return String.join("/", parts[0].replace('.', '/'), parts[1], parts[2], name);
    }

    private static Map<String, byte[]> classesOf(ZipFile jar) throws IOException {
        Map<String, byte[]> classes = new HashMap<>();
        for (var entries = jar.entries(); entries.hasMoreElements();) {
            ZipEntry entry = entries.nextElement();
            String path = entry.getName();
            if (!path.endsWith(".class") || path.startsWith("META-INF/")) continue;
            try (InputStream in = jar.getInputStream(entry)) {
                classes.put(path.substring(0, path.length() - 6).replace('/', '.'),
                        in.readAllBytes());
            }
        }
        return classes;
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[3]);
        int part = args.length > 4 ? Integer.parseInt(args[4]) : 0;
        int of = args.length > 5 ? Integer.parseInt(args[5]) : 1;
        List<ZipFile> jars = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(args[2]))) {
            ZipFile jar = new ZipFile(folder.resolve(pathOf(line)).toFile());
            jars.add(jar);
            for (var entries = jar.entries(); entries.hasMoreElements();) {
                ZipEntry entry = entries.nextElement();
                String path = entry.getName();
                if (path.endsWith(".class") && !path.startsWith("META-INF/")) {
                    everywhere.putIfAbsent(
                            path.substring(0, path.length() - 6).replace('/', '.'),
                            new Place(jar, entry));
                }
            }
        }
        long done = 0, classes = 0, linked = 0, alike = 0, different = 0;
        Map<String, Long> failures = new HashMap<>();
        try (Rewriter rewriter = new Rewriter(args[0], args[1], "Probe")) {
            for (int i = part; i < jars.size(); i += of) {
                Map<String, byte[]> original = classesOf(jars.get(i));
                Map<String, byte[]> changed = new HashMap<>();
                for (var entry : original.entrySet()) {
                    changed.put(entry.getKey(), rewriter.rewrite(entry.getValue()));
                }
                ClassLoader before = new Loader(original), after = new Loader(changed);
                for (String name : original.keySet()) {
                    if (name.endsWith("module-info")) continue;
                    classes++;
                    boolean[] verified = {false};
                    String expected = link(name, before, verified);
                    String actual = link(name, after, new boolean[1]);
                    if (verified[0]) linked++;
                    // A verifier's message names places in the code.
                    boolean same = expected.split(":")[0].equals(actual.split(":")[0]);
                    if (same) {
                        alike++;
                        if (!expected.isEmpty()) failures.merge(expected.split(":")[0], 1L, Long::sum);
                    } else if (++different <= 20) {
                        System.out.println("DIFFERENT " + jars.get(i).getName() + " " + name + ": "
                                + expected + " -> " + actual);
                    }
                }
                done++;
            }
            System.out.printf("{\"jars\":%d,\"classes\":%d,\"linked\":%d,\"alike\":%d,\"different\":%d,"
                    + "\"refused\":%d}%n", done, classes, linked, alike, different, rewriter.refused);
        }
        System.err.println("as before: " + failures);
    }
}
