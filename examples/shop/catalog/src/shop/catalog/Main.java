package shop.catalog;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;

/**
 * catalog: GET /products, GET /products/{sku}, GET /categories; for the orders service
 * PUT /reservations/{order}?sku=&quantity=, POST /reservations/{order}/sold,
 * DELETE /reservations/{order}. As every service of the shop: GET /health and /_fault.
 */
final class Main {
  private static final int EXIT_ADDRESS_IN_USE = 98;
  private static final int THREADS = 32;
  private static final int CONNECTIONS = 12;
  private static final int GZIP_FROM_BYTES = 1024;
  private static final int MAX_BODY = 64 * 1024;
  private static final int RESTOCK_EVERY_S = 5;

  private final boolean accessLog = "1".equals(System.getenv("SHOP_ACCESS_LOG"));
  private final long started = System.nanoTime();
  private final Faults faults = new Faults();
  private final Redis redis;
  private final Products products;

  /** Status and JSON body ("" for none). */
  private record Answer(int status, String body) {}

  private Main() {
    redis = new Redis("127.0.0.1", Integer.parseInt(need("SHOP_REDIS_PORT")),
        need("SHOP_REDIS_PASSWORD"));
    products = new Products(new Pool(need("SHOP_JDBC_URL"), CONNECTIONS), redis);
  }

  public static void main(String[] arguments) throws Exception {
    new Main().serve();
  }

  private static String need(String name) {
    String value = System.getenv(name);
    if (value == null) {
      System.err.println("catalog: " + name + " is not set; start it by examples/shop/shop");
      System.exit(2);
    }
    return value;
  }

  private void serve() throws Exception {
    products.probe();
    InetSocketAddress address = new InetSocketAddress(
        InetAddress.getLoopbackAddress(), Integer.parseInt(need("SHOP_PORT")));
    HttpServer server;
    try {
      server = HttpServer.create(address, 1024);
    } catch (BindException e) {
      System.exit(EXIT_ADDRESS_IN_USE);
      return;
    }
    server.setExecutor(new ThreadPoolExecutor(THREADS, THREADS, 1, TimeUnit.MINUTES,
        new ArrayBlockingQueue<>(1024), new ThreadPoolExecutor.CallerRunsPolicy()));
    server.createContext("/", this::handle);
    server.start();
    ScheduledExecutorService deliveries = Executors.newSingleThreadScheduledExecutor();
    deliveries.scheduleWithFixedDelay(
        this::restock, RESTOCK_EVERY_S, RESTOCK_EVERY_S, TimeUnit.SECONDS);
    try (FileOutputStream ready = new FileOutputStream(need("SHOP_READY_PATH"))) {
      ready.write("ready\n".getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void restock() {
    try {
      products.restock();
    } catch (SQLException | Refusal e) {
      System.err.println("catalog: restock: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void handle(HttpExchange exchange) throws IOException {
    long begin = System.nanoTime();
    Trace trace = Trace.of(exchange.getRequestHeaders());
    Answer answer;
    try {
      answer = route(exchange);
    } catch (Refusal e) {
      answer = refused(e);
    } catch (SQLException e) {
      System.err.println("catalog: " + exchange.getRequestURI() + ": " + e.getMessage());
      answer = refused(new Refusal(503, "unavailable", "a store is away"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer = refused(new Refusal(503, "unavailable", "shutting down"));
    } catch (RuntimeException e) {
      e.printStackTrace();
      answer = refused(new Refusal(500, "bug", e.toString()));
    }
    try {
      send(exchange, answer, trace);
    } finally {
      exchange.close();
      if (accessLog) {
        log(exchange, answer.status(), trace, begin);
      }
    }
  }

  private static Answer refused(Refusal e) {
    return new Answer(e.status, Json.object("error", e.code, "message", e.getMessage()));
  }

  private Answer route(HttpExchange exchange)
      throws Refusal, SQLException, InterruptedException, IOException {
    String path = exchange.getRequestURI().getPath();
    String method = exchange.getRequestMethod();
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY + 1);
    if (body.length > MAX_BODY) {
      throw new Refusal(413, "too-large", "the body is too large");
    }
    if (path.equals("/health")) {
      return health();
    }
    if (path.equals("/_fault")) {
      return fault(exchange, method, new String(body, StandardCharsets.UTF_8));
    }
    faults.strike();
    if (path.startsWith("/reservations/")) {
      return reservation(exchange, method, path.substring("/reservations/".length()));
    }
    boolean read = method.equals("GET") || method.equals("HEAD");
    if (read && path.equals("/products")) {
      Map<String, String> query = query(exchange);
      return new Answer(200, products.page(query.get("category"), number(query, "page", 1, 1, 100_000),
          number(query, "size", 20, 1, 100)));
    }
    if (read && path.startsWith("/products/")) {
      return new Answer(200, products.item(path.substring("/products/".length())));
    }
    if (read && path.equals("/categories")) {
      return new Answer(200, products.categories());
    }
    throw new Refusal(404, "not-found", "there is nothing at " + path);
  }

  private Answer reservation(HttpExchange exchange, String method, String rest)
      throws Refusal, SQLException, InterruptedException {
    boolean sold = method.equals("POST") && rest.endsWith("/sold");
    UUID order;
    try {
      order = UUID.fromString(sold ? rest.substring(0, rest.length() - "/sold".length()) : rest);
    } catch (IllegalArgumentException e) {
      throw new Refusal(400, "bad-order", "the order has to be a UUID");
    }
    if (sold) {
      products.sold(order);
      return new Answer(204, "");
    }
    if (method.equals("DELETE")) {
      products.release(order);
      return new Answer(204, "");
    }
    if (!method.equals("PUT")) {
      throw new Refusal(405, "method-not-allowed", "PUT or DELETE");
    }
    Map<String, String> query = query(exchange);
    return new Answer(200, products.reserve(
        order, query.getOrDefault("sku", ""), number(query, "quantity", 1, 1, 10)));
  }

  private Answer health() {
    String postgres = "ok";
    String cache = "ok";
    try {
      products.probe();
    } catch (Refusal | SQLException e) {
      postgres = "down: " + e.getClass().getSimpleName();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      redis.ping();
    } catch (IOException e) {
      cache = "down: " + e.getClass().getSimpleName();  // works without it, only slower
    }
    boolean healthy = postgres.equals("ok");
    double uptime = (System.nanoTime() - started) / 100_000_000 / 10.0;
    return new Answer(healthy ? 200 : 503, Json.object("service", "catalog", "status",
        healthy ? "ok" : "down", "checks",
        new Json.Raw(Json.object("postgres", postgres, "redis", cache)), "uptime_s", uptime));
  }

  private Answer fault(HttpExchange exchange, String method, String body) throws Refusal {
    boolean local = exchange.getRemoteAddress().getAddress().isLoopbackAddress()
        && !exchange.getRequestHeaders().containsKey("X-Forwarded-For");
    if (!local) {
      throw new Refusal(403, "not-local", "the fault switch answers to loopback only");
    }
    if (method.equals("POST")) {
      faults.set(Json.numbers(body));
    } else if (method.equals("DELETE")) {
      faults.clear();
    }
    return new Answer(200, faults.shown());
  }

  private static Map<String, String> query(HttpExchange exchange) throws Refusal {
    Map<String, String> found = new HashMap<>();
    String text = exchange.getRequestURI().getRawQuery();
    if (text == null) {
      return found;
    }
    try {
      for (String pair : text.split("&")) {
        int equals = pair.indexOf('=');
        if (equals > 0) {
          found.put(URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
              URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new Refusal(400, "bad-query", "the query is not properly encoded");
    }
    return found;
  }

  private static int number(Map<String, String> query, String name, int fallback, int min, int max)
      throws Refusal {
    String text = query.get(name);
    if (text == null) {
      return fallback;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below, like a number out of bounds.
    }
    throw new Refusal(400, "bad-query", name + " is " + min + ".." + max);
  }

  private static void send(HttpExchange exchange, Answer answer, Trace trace) throws IOException {
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    var headers = exchange.getResponseHeaders();
    headers.set("X-Trace-Id", trace.traceId());
    if (body.length > 0) {
      headers.set("Content-Type", "application/json; charset=utf-8");
    }
    if (body.length >= GZIP_FROM_BYTES) {
      headers.set("Vary", "Accept-Encoding");
      String accepted = exchange.getRequestHeaders().getFirst("Accept-Encoding");
      if (accepted != null && accepted.contains("gzip")) {
        headers.set("Content-Encoding", "gzip");
        body = gzip(body);
      }
    }
    boolean silent = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(answer.status(), silent ? -1 : body.length);
    if (!silent) {
      exchange.getResponseBody().write(body);
    }
  }

  private static byte[] gzip(byte[] body) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream(body.length / 2);
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(body);
    }
    return packed.toByteArray();
  }

  private static void log(HttpExchange exchange, int status, Trace trace, long begin) {
    System.out.println(Json.object("t", System.currentTimeMillis() / 1000.0, "service", "catalog",
        "method", exchange.getRequestMethod(), "path", exchange.getRequestURI().getPath(), "status",
        status, "ms", (System.nanoTime() - begin) / 10_000 / 100.0, "trace", trace.traceId(), "span",
        trace.span(), "parent", trace.parent()));
  }
}
