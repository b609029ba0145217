package shop.catalog;

import com.sun.net.httpserver.Headers;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The W3C trace context of one request: what came in, and the id of our own span. */
record Trace(String traceId, String parent, String span) {
  private static final Pattern TRACEPARENT =
      Pattern.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}");

  static Trace of(Headers headers) {
    String text = headers.getFirst("traceparent");
    Matcher found = TRACEPARENT.matcher(text == null ? "" : text);
    String span = hex();
    return found.matches()
        ? new Trace(found.group(1), found.group(2), span)
        : new Trace(hex() + hex(), "", span);
  }

  private static String hex() {
    return String.format("%016x", ThreadLocalRandom.current().nextLong());
  }
}
