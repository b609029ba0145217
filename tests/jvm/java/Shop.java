import java.util.List;

/** What RunFeatures changes: arguments, results, calls, a field. */
public class Shop {
    public int price(int count, String name) { return count * 10 + name.length(); }

    public static String greet(String name) { return "hello " + name; }

    public static double half(double of) { return of / 2; }

    public long total(List<Long> all, long start) {
        for (long one : all) start += one;
        return start;
    }

    public void run(Runnable task) { task.run(); }

    public static int longer(String a, String b) { return Math.max(a.length(), b.length()); }

    public int tried(int n) {
        try {
            return Math.max(n, 5);
        } catch (RuntimeException e) {
            return -1;
        }
    }
}
