import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;

/** The rewriter's process: class bytes in, class bytes out. One thread. */
final class Rewriter implements AutoCloseable {
    private final Process process;
    private final DataOutputStream to;
    private final DataInputStream from;
    int refused;

    Rewriter(String program, String plan, String owner) throws IOException {
        process = new ProcessBuilder(List.of(program, plan, owner))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        to = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
        from = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    /** The new bytes, or the same array where nothing changed or the class was refused. */
    byte[] rewrite(byte[] bytes) throws IOException {
        to.writeInt(bytes.length);
        to.write(bytes);
        to.flush();
        int status = from.readByte();
        byte[] answer = from.readNBytes(from.readInt());
        if (status == 2) {
            refused++;
            System.err.println("refused: " + new String(answer, "UTF-8"));
        }
        return status == 1 ? answer : bytes;
    }

    @Override
    public void close() throws IOException {
        to.close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
