/** Called by what RunFeatures rewrites. */
public final class FeatureProbe {
    /** The class gets this interface, with a field behind it. */
    public interface Holder {
        long rondaGet();

        void rondaSet(long value);
    }

    static String log = "";

    private FeatureProbe() {}

    public static String name(String name) {
        if (name.equals("bad")) throw new IllegalStateException("refused");
        return name + "!!";
    }

    public static int price(int price) { return price + 1000; }

    public static Object text(Object text) { return text + "?"; }

    public static double twice(double value) { return value * 4; }

    public static void total(Object self, Object all, long start, Object result) {
        log += all + " " + start + " " + result;
    }

    public static void runIt(Runnable task) {
        log += "before ";
        task.run();
        log += "after";
    }

    public static int length(Object text) { return 100 + text.toString().length(); }

    public static int max(int a, int b) {
        if (a == 13) throw new IllegalArgumentException("thirteen");
        return Math.max(a, b) + 1;
    }
}
