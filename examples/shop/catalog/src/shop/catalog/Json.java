package shop.catalog;

import java.util.LinkedHashMap;
import java.util.Map;

/** The little JSON that this service needs: writing values, reading a flat object of numbers. */
final class Json {
  private Json() {}

  /** Appends `"name":value,` with a value that is a String, Number, Boolean, or a Raw text. */
  static StringBuilder member(StringBuilder out, String name, Object value) {
    string(out, name).append(':');
    if (value instanceof String text) {
      string(out, text);
    } else {
      out.append(value);
    }
    return out.append(',');
  }

  /** JSON text that is written as it is. */
  record Raw(String text) {
    @Override
    public String toString() {
      return text;
    }
  }

  /** An object from names and values in turn. */
  static String object(Object... namesAndValues) {
    StringBuilder out = new StringBuilder(128).append('{');
    for (int i = 0; i < namesAndValues.length; i += 2) {
      member(out, (String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return close(out, '}');
  }

  /** Ends an object or a list: a trailing comma goes, the bracket comes. */
  static String close(StringBuilder out, char bracket) {
    if (out.charAt(out.length() - 1) == ',') {
      out.setLength(out.length() - 1);
    }
    return out.append(bracket).toString();
  }

  static StringBuilder string(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"');
  }

  /** Reads {"a": 1, "b": 0.5}: anything else is a 400. */
  static Map<String, Double> numbers(String text) throws Refusal {
    Map<String, Double> found = new LinkedHashMap<>();
    String body = text.strip();
    if (body.length() < 2 || body.charAt(0) != '{' || body.charAt(body.length() - 1) != '}') {
      throw bad();
    }
    String inner = body.substring(1, body.length() - 1).strip();
    if (inner.isEmpty()) {
      return found;
    }
    for (String member : inner.split(",", -1)) {
      String[] parts = member.split(":", -1);
      if (parts.length != 2 || !parts[0].strip().matches("\"[a-z_]+\"")) {
        throw bad();
      }
      String name = parts[0].strip();
      try {
        found.put(name.substring(1, name.length() - 1), Double.valueOf(parts[1].strip()));
      } catch (NumberFormatException e) {
        throw bad();
      }
    }
    return found;
  }

  private static Refusal bad() {
    return new Refusal(400, "bad-json", "the body has to be a JSON object of numbers");
  }
}
