/** What the rewritten classes call, when only linking them matters. */
public final class Probe {
    private Probe() {}

    public static long enter(int id) { return id; }

    public static void exit(long token) {}

    public static void thrown(Throwable thrown, long token) {}

    public static Object enterWatch(String what, Object self, Object[] arguments) { return what; }

    public static void exitWatch(Object self, Object result, Object token) {}

    public static void thrownWatch(Object self, Throwable thrown, Object token) {}

    public static void failed(Throwable thrown, int id) {}
}
