import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;

/** What Java 21 added: patterns in switches and records, and virtual threads. */
public final class Subject21 {
    sealed interface Node permits Leaf, Pair {}
    record Leaf(int value) implements Node {}
    record Pair(Node left, Node right) implements Node {}

    static int sum(Node node) {
        return switch (node) {
            case Leaf(int v) when v < 0 -> 0;
            case Leaf(int v) -> v;
            case Pair(Leaf(var a), Leaf(var b)) -> a + b;
            case Pair(var a, var b) -> sum(a) + sum(b);
        };
    }

    static String typed(Object o) {
        return switch (o) {
            case null -> "null";
            case Integer i when i > 10 -> "large " + i;
            case Integer i -> "int " + i;
            case String s -> "text " + s.length();
            case int[] a -> "array " + a.length;
            default -> throw new IllegalArgumentException(o.getClass().getName());
        };
    }

    public static Object cPatterns() {
        return sum(new Pair(new Pair(new Leaf(1), new Leaf(2)), new Leaf(-5))) + typed(null)
                + typed(3) + typed(30) + typed("four") + typed(new int[5]);
    }

    public static Object cPatternThatThrows() { return typed(1.5); }

    private static final ReentrantLock lock = new ReentrantLock();
    private static int shared;

    static int step(int n) throws InterruptedException {
        lock.lock();
        try {
            shared += n;
        } finally {
            lock.unlock();
        }
        Thread.yield();
        return n == 0 ? 0 : step(n - 1) + 1;
    }

    static synchronized int pinned(int n) {
        Thread.yield();
        return n;
    }

    public static Object cVirtualThreads() throws Exception {
        shared = 0;
        int total = 0;
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                int n = i % 7;
                futures.add(pool.submit(() -> step(n) + (n == 3 ? pinned(n) : 0)));
            }
            for (Future<Integer> f : futures) total += f.get();
        }
        return total + " " + shared;
    }
}
