import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Rewrites every class of the JDK that runs this into one jar a module, for --patch-module; java.base also
 * gets the class that is called, under a name that every class can see. Writes OUT/options, an argument
 * file for java.
 *
 * <p>usage: PatchJdk PROGRAM PLAN OUT PROBE.class [MODULE...]
 */
public final class PatchJdk {
    private static final String OWNER = "java/lang/RondaProbe";

    public static void main(String[] args) throws Exception {
        Path out = Files.createDirectories(Path.of(args[2]));
        List<String> only = List.of(args).subList(4, args.length);
        StringBuilder options = new StringBuilder();
        List<String> names = new ArrayList<>();
        try (Rewriter rewriter = new Rewriter(args[0], args[1], OWNER);
                Stream<Path> modules = Files.list(
                        FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules"))) {
            for (Path module : (Iterable<Path>) modules.sorted()::iterator) {
                String name = module.getFileName().toString();
                if (!only.isEmpty() && !only.contains(name)) continue;
                names.add(name);
                Path jar = out.resolve(name + ".jar");
                patch(rewriter, module, jar, Path.of(args[3]));
                options.append("--patch-module ").append(name).append('=').append(jar).append('\n');
            }
        }
        options.append("--add-modules ").append(String.join(",", names)).append('\n');
        Files.writeString(out.resolve("options"), options);
    }

    private static void patch(Rewriter rewriter, Path module, Path jar, Path probe)
            throws IOException {
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(jar), 1 << 20);
                ZipOutputStream zip = new ZipOutputStream(file);
                Stream<Path> files = Files.walk(module)) {
            for (Path path : (Iterable<Path>) files::iterator) {
                String name = module.relativize(path).toString();
                if (!name.endsWith(".class")) continue;
                byte[] bytes = Files.readAllBytes(path);
                byte[] changed = rewriter.rewrite(bytes);
                if (!name.equals("module-info.class") && changed != bytes) put(zip, name, changed);
            }
            if (module.getFileName().toString().equals("java.base")) {
                put(zip, OWNER + ".class", Files.readAllBytes(probe));
            }
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        entry.setTime(0);
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
