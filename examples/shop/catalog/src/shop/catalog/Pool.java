package shop.catalog;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;

/**
 * A JDBC connection pool kept simple: a fixed number of slots, each with a connection or with none
 * yet. A connection that failed or that PostgreSQL dropped is replaced at its next use.
 */
final class Pool {
  private static final long WAIT_MS = 2_000;
  private static final long TRUST_IDLE_NS = TimeUnit.SECONDS.toNanos(2);

  /** Work on a connection. */
  interface Work<T> {
    T run(Connection connection) throws SQLException, Refusal;
  }

  private static final class Slot {
    Connection connection;
    long usedNs;
  }

  private final String url;
  private final LinkedBlockingDeque<Slot> idle = new LinkedBlockingDeque<>();

  Pool(String url, int size) {
    this.url = url;
    for (int i = 0; i < size; i++) {
      idle.add(new Slot());
    }
  }

  /** Runs `work` with auto-commit on. */
  <T> T query(Work<T> work) throws SQLException, Refusal, InterruptedException {
    return with(work);
  }

  /** Runs `work` in a transaction that is rolled back when it throws. */
  <T> T transaction(Work<T> work) throws SQLException, Refusal, InterruptedException {
    return with(
        connection -> {
          connection.setAutoCommit(false);
          try {
            T result = work.run(connection);
            connection.commit();
            return result;
          } catch (Refusal e) {
            connection.rollback();
            throw e;
          } finally {
            if (!connection.isClosed()) {
              connection.setAutoCommit(true);
            }
          }
        });
  }

  private <T> T with(Work<T> work) throws SQLException, Refusal, InterruptedException {
    Slot slot = idle.pollFirst(WAIT_MS, TimeUnit.MILLISECONDS);
    if (slot == null) {
      throw new Refusal(503, "busy", "no database connection came free in time");
    }
    try {
      return work.run(live(slot));
    } catch (SQLException e) {
      drop(slot);
      throw e;
    } finally {
      slot.usedNs = System.nanoTime();
      idle.addFirst(slot);
    }
  }

  private Connection live(Slot slot) throws SQLException {
    if (slot.connection != null && System.nanoTime() - slot.usedNs > TRUST_IDLE_NS
        && !slot.connection.isValid(1)) {
      drop(slot);
    }
    if (slot.connection == null) {
      slot.connection = DriverManager.getConnection(url);
    }
    return slot.connection;
  }

  private static void drop(Slot slot) {
    if (slot.connection != null) {
      try {
        slot.connection.close();
      } catch (SQLException e) {
        // It is broken already; nothing is left to close.
      }
      slot.connection = null;
    }
  }
}
