package shop.catalog;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;

/**
 * The catalog's rules: pages and items, and stock that is taken for an order, then sold or given
 * back. Pages and items are cached in Redis for a moment; without Redis they come from PostgreSQL.
 */
final class Products {
  private static final int PAGE_TTL_MS = 2_000;
  private static final int ITEM_TTL_MS = 1_000;
  private static final String COLUMNS = "sku, name, category, price_cents, stock";

  private final Pool pool;
  private final Redis redis;
  private volatile boolean cacheFailed;

  Products(Pool pool, Redis redis) {
    this.pool = pool;
    this.redis = redis;
  }

  /** A value made by asking PostgreSQL. */
  private interface Source {
    String make() throws SQLException, Refusal, InterruptedException;
  }

  String page(String category, int page, int size)
      throws SQLException, Refusal, InterruptedException {
    String key = "catalog:page:" + (category == null ? "" : category) + ":" + page + ":" + size;
    return cached(key, PAGE_TTL_MS, () -> pool.query(c -> readPage(c, category, page, size)));
  }

  String categories() throws SQLException, Refusal, InterruptedException {
    return cached("catalog:categories", PAGE_TTL_MS, () -> pool.query(Products::readCategories));
  }

  String item(String sku) throws SQLException, Refusal, InterruptedException {
    return cached("catalog:item:" + sku, ITEM_TTL_MS, () -> pool.query(c -> readItem(c, sku)));
  }

  /** Takes stock for an order; the same order again gets the same answer and takes nothing. */
  String reserve(UUID order, String sku, int quantity)
      throws SQLException, Refusal, InterruptedException {
    String answer = pool.transaction(c -> takeStock(c, order, sku, quantity));
    forget(sku);
    return answer;
  }

  /** The order was paid: its reservation has done its work. */
  void sold(UUID order) throws SQLException, Refusal, InterruptedException {
    pool.query(c -> {
      try (PreparedStatement s =
          c.prepareStatement("DELETE FROM catalog.reservations WHERE order_id = ?")) {
        s.setObject(1, order);
        return s.executeUpdate();
      }
    });
  }

  /** The order ended unpaid: its stock comes back. */
  void release(UUID order) throws SQLException, Refusal, InterruptedException {
    String sku = pool.query(c -> {
      try (PreparedStatement s = c.prepareStatement(
          "WITH gone AS (DELETE FROM catalog.reservations WHERE order_id = ?"
              + " RETURNING sku, quantity)"
              + " UPDATE catalog.products p SET stock = stock + gone.quantity FROM gone"
              + " WHERE p.sku = gone.sku RETURNING p.sku")) {
        s.setObject(1, order);
        try (ResultSet rows = s.executeQuery()) {
          return rows.next() ? rows.getString(1) : null;
        }
      }
    });
    if (sku != null) {
      forget(sku);
    }
  }

  /** A delivery: what is restocked and below half goes back to its full stock. Rows that changed. */
  int restock() throws SQLException, Refusal, InterruptedException {
    return pool.query(c -> {
      try (PreparedStatement s = c.prepareStatement(
          "UPDATE catalog.products SET stock = full_stock"
              + " WHERE restocked AND stock < full_stock / 2")) {
        return s.executeUpdate();
      }
    });
  }

  void probe() throws SQLException, Refusal, InterruptedException {
    pool.query(c -> {
      try (PreparedStatement s = c.prepareStatement("SELECT 1")) {
        return s.execute();
      }
    });
  }

  private static String takeStock(Connection c, UUID order, String sku, int quantity)
      throws SQLException, Refusal {
    boolean first;
    try (PreparedStatement s = c.prepareStatement(
        "INSERT INTO catalog.reservations (order_id, sku, quantity)"
            + " SELECT ?, sku, ? FROM catalog.products WHERE sku = ? ON CONFLICT DO NOTHING")) {
      s.setObject(1, order);
      s.setInt(2, quantity);
      s.setString(3, sku);
      first = s.executeUpdate() == 1;
    }
    String change = first ? "UPDATE catalog.products SET stock = stock - ? WHERE sku = ?"
            + " AND stock >= ? RETURNING price_cents, stock"
        : "SELECT price_cents, stock FROM catalog.products WHERE sku = ?";
    try (PreparedStatement s = c.prepareStatement(change)) {
      if (first) {
        s.setInt(1, quantity);
        s.setInt(3, quantity);
      }
      s.setString(first ? 2 : 1, sku);
      try (ResultSet rows = s.executeQuery()) {
        if (rows.next()) {
          return Json.object("sku", sku, "price_cents", rows.getInt(1), "stock", rows.getInt(2));
        }
      }
    }
    if (!first) {
      throw new Refusal(404, "no-product", "there is no product '" + sku + "'");
    }
    throw new Refusal(409, "sold-out", "there is not enough of '" + sku + "' left");
  }

  private static String readPage(Connection c, String category, int page, int size)
      throws SQLException {
    String where = category == null ? "" : " WHERE category = ?";
    StringBuilder items = new StringBuilder(4096).append('[');
    int total;
    try (PreparedStatement s =
        c.prepareStatement("SELECT count(*) FROM catalog.products" + where)) {
      if (category != null) {
        s.setString(1, category);
      }
      try (ResultSet rows = s.executeQuery()) {
        rows.next();
        total = rows.getInt(1);
      }
    }
    try (PreparedStatement s = c.prepareStatement("SELECT " + COLUMNS + " FROM catalog.products"
        + where + " ORDER BY sku DESC LIMIT ? OFFSET ?")) {
      int at = 1;
      if (category != null) {
        s.setString(at++, category);
      }
      s.setInt(at++, size);
      s.setInt(at, (page - 1) * size);
      try (ResultSet rows = s.executeQuery()) {
        while (rows.next()) {
          items.append(row(rows)).append(',');
        }
      }
    }
    return Json.object("page", page, "size", size, "total", total, "items",
        new Json.Raw(Json.close(items, ']')));
  }

  private static String readCategories(Connection c) throws SQLException {
    StringBuilder items = new StringBuilder(256).append('[');
    try (PreparedStatement s =
            c.prepareStatement("SELECT DISTINCT category FROM catalog.products ORDER BY 1");
        ResultSet rows = s.executeQuery()) {
      while (rows.next()) {
        Json.string(items, rows.getString(1)).append(',');
      }
    }
    return Json.object("categories", new Json.Raw(Json.close(items, ']')));
  }

  private static String readItem(Connection c, String sku) throws SQLException, Refusal {
    try (PreparedStatement s =
        c.prepareStatement("SELECT " + COLUMNS + " FROM catalog.products WHERE sku = ?")) {
      s.setString(1, sku);
      try (ResultSet rows = s.executeQuery()) {
        if (!rows.next()) {
          throw new Refusal(404, "no-product", "there is no product '" + sku + "'");
        }
        return row(rows);
      }
    }
  }

  private static String row(ResultSet rows) throws SQLException {
    return Json.object("sku", rows.getString(1), "name", rows.getString(2), "category",
        rows.getString(3), "price", rows.getInt(4) / 100.0, "stock", rows.getInt(5));
  }

  private String cached(String key, int ttlMs, Source source)
      throws SQLException, Refusal, InterruptedException {
    try {
      String held = redis.get(key);
      cacheFailed = false;
      if (held != null) {
        return held;
      }
    } catch (IOException e) {
      failed(e);
      return source.make();
    }
    String made = source.make();
    try {
      redis.set(key, made, ttlMs);
    } catch (IOException e) {
      failed(e);
    }
    return made;
  }

  private void forget(String sku) {
    try {
      redis.delete("catalog:item:" + sku);
    } catch (IOException e) {
      failed(e);
    }
  }

  /** The first failure in a row is told, the rest only work without the cache. */
  private void failed(IOException e) {
    if (!cacheFailed) {
      cacheFailed = true;
      System.err.println("catalog: no cache: " + e.getMessage());
    }
  }
}
