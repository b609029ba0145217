package shop.catalog;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * A small RESP2 client: GET, SET with expiry, DEL, PING. One connection a caller at a time, kept for
 * the next one; a failed connection is closed and the caller told.
 */
final class Redis {
  private static final int TIMEOUT_MS = 500;
  private static final int MAX_BULK = 4 * 1024 * 1024;

  private final InetSocketAddress address;
  private final String password;
  private final ConcurrentLinkedDeque<Link> idle = new ConcurrentLinkedDeque<>();

  Redis(String host, int port, String password) {
    this.address = new InetSocketAddress(host, port);
    this.password = password;
  }

  /** The value, or null when there is none. */
  String get(String key) throws IOException {
    return command("GET", key);
  }

  void set(String key, String value, int ttlMs) throws IOException {
    command("SET", key, value, "PX", Integer.toString(ttlMs));
  }

  void delete(String key) throws IOException {
    command("DEL", key);
  }

  void ping() throws IOException {
    command("PING");
  }

  private String command(String... words) throws IOException {
    Link link = idle.pollFirst();
    if (link != null) {
      try {
        return finish(link, words);
      } catch (IOException e) {
        link.close();  // it may have been closed while idle: once more with a new one
      }
    }
    link = new Link();
    try {
      return finish(link, words);
    } catch (IOException e) {
      link.close();
      throw e;
    }
  }

  private String finish(Link link, String... words) throws IOException {
    link.send(words);
    String answer = link.receive();
    idle.addFirst(link);
    return answer;
  }

  private final class Link {
    private final Socket socket = new Socket();
    private final InputStream in;
    private final OutputStream out;

    Link() throws IOException {
      try {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MS);
        socket.connect(address, TIMEOUT_MS);
        in = new BufferedInputStream(socket.getInputStream());
        out = new BufferedOutputStream(socket.getOutputStream());
        send("AUTH", password);
        receive();
      } catch (IOException e) {
        close();
        throw e;
      }
    }

    void close() {
      try {
        socket.close();
      } catch (IOException e) {
        // Nothing can be done about it, and nothing has to be.
      }
    }

    void send(String... words) throws IOException {
      out.write(("*" + words.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
      for (String word : words) {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        out.write(("$" + bytes.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.write(bytes);
        out.write('\r');
        out.write('\n');
      }
      out.flush();
    }

    String receive() throws IOException {
      String head = line();
      if (head.isEmpty()) {
        throw new IOException("redis: an empty reply");
      }
      String rest = head.substring(1);
      return switch (head.charAt(0)) {
        case '+', ':' -> rest;
        case '$' -> bulk(rest);
        default -> throw new IOException("redis: " + head);
      };
    }

    private String bulk(String length) throws IOException {
      int size;
      try {
        size = Integer.parseInt(length);
      } catch (NumberFormatException e) {
        throw new IOException("redis: a bad length", e);
      }
      if (size < 0) {
        return null;
      }
      if (size > MAX_BULK) {
        throw new IOException("redis: a value of " + size + " bytes");
      }
      byte[] bytes = in.readNBytes(size + 2);
      if (bytes.length < size + 2) {
        throw new EOFException("redis: the connection ended");
      }
      return new String(bytes, 0, size, StandardCharsets.UTF_8);
    }

    private String line() throws IOException {
      StringBuilder text = new StringBuilder();
      for (int c = in.read(); c != '\r'; c = in.read()) {
        if (c < 0 || text.length() > 4096) {
          throw new EOFException("redis: the connection ended");
        }
        text.append((char) c);
      }
      if (in.read() != '\n') {
        throw new IOException("redis: a bad line end");
      }
      return text.toString();
    }
  }
}
