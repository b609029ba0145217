import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.IntBinaryOperator;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Code of every kind that a compiler makes. Each static method without parameters, named c..., is a case. */
public final class Subject {
    // How often each case enters a method of this file is counted by the other loader's own calls: `calls`.
    static int calls;

    static int fib(int n) { calls++; return n < 2 ? n : fib(n - 1) + fib(n - 2); }

    public static Object cRecursion() { return fib(12); }

    static long mix(int a, long b, float c, double d, String e, int[] f, byte g, char h, short i,
            boolean j) {
        return a + b + (long) c + (long) d + e.length() + f.length + g + h + i + (j ? 1 : 0);
    }

    public static Object cWideArguments() {
        return mix(1, 1L << 40, 2.5f, 3.5, "four", new int[5], (byte) 6, 'h', (short) 8, true);
    }

    static long aLong(long a, double b) { return a * 2 + (long) b; }
    static double aDouble(double a, long b) { return a / 2 + b; }
    static float aFloat(float a) { return a * 3; }
    static boolean aBoolean(boolean a) { return !a; }
    static byte aByte(byte a) { return (byte) (a + 1); }
    static char aChar(char a) { return (char) (a + 1); }
    static short aShort(short a) { return (short) (a + 1); }
    static int[][] anArray(int[][] a) { return a.clone(); }
    static String nothing() { return null; }

    public static Object cResultsOfEveryType() {
        return aLong(3, 4.5) + " " + aDouble(5, 6) + " " + aFloat(1.5f) + " " + aBoolean(true) + " "
                + aByte((byte) 127) + " " + aChar('y') + " " + aShort((short) 32767) + " "
                + Arrays.deepToString(anArray(new int[][] {{1}, {2, 3}})) + " " + nothing();
    }

    static int thrower(int n) {
        if (n == 0) throw new IllegalStateException("bottom");
        return thrower(n - 1) + 1;
    }

    public static Object cExceptionThroughFrames() { return thrower(5); }

    static String tried(int n) {
        StringBuilder out = new StringBuilder();
        try {
            out.append("try ");
            if (n == 1) throw new IllegalArgumentException("one");
            if (n == 2) return out.append("returned ").toString();
            if (n == 3) out.append(((Object) null).hashCode());
        } catch (IllegalArgumentException | NullPointerException e) {
            out.append(e.getClass().getSimpleName()).append(' ');
            if (n == 3) return out.append("early ").toString();
        } finally {
            out.append("finally ");
            side.add(out.toString());
        }
        return out.append("end").toString();
    }

    static final List<String> side = new ArrayList<>();

    public static Object cTryCatchFinally() {
        side.clear();
        return tried(0) + tried(1) + tried(2) + tried(3) + side;
    }

    static int finallyWins() {
        try {
            throw new RuntimeException("lost");
        } finally {
            return 7;
        }
    }

    public static Object cFinallyReplacesException() { return finallyWins(); }

    static int loopFromTheStart(int n) {
        do {
            n -= 3;
        } while (n > 0);
        return n;
    }

    public static Object cBranchToTheFirstInstruction() { return loopFromTheStart(100); }

    static class Base {
        final String seen;
        Base(String seen) { this.seen = seen + describe(); }
        Base(int n, long m) { this("n" + n + "m" + m); }
        String describe() { return "base"; }
    }

    static class Derived extends Base {
        int set = 5;
        Derived(boolean flag, Object other) {
            super(flag ? new StringBuilder("new").append(other).toString() : String.valueOf(other));
            set++;
        }
        Derived(int n) { super(n, n + 1L); }
        Derived(String bad) {
            super(bad.trim());
            if (bad.isEmpty()) throw new IllegalArgumentException("empty");
        }
        @Override String describe() { return "derived" + set; }
    }

    public static Object cConstructors() {
        return new Derived(true, 1).seen + new Derived(false, 2L).seen + new Derived(3).seen
                + new Derived("  x ").set;
    }

    public static Object cConstructorThrowsAfterSuper() { return new Derived(""); }

    public static Object cConstructorThrowsBeforeSuper() { return new Derived((String) null); }

    class Inner {
        final int n;
        Inner(int n) { this.n = n + outer(); }
        class Deeper { int sum() { return n + outer(); } }
    }
    private int outer() { return 40; }

    public static Object cInnerClasses() {
        Subject subject = new Subject();
        Inner inner = subject.new Inner(2);
        return inner.n + inner.new Deeper().sum();
    }

    static String switched(int n) {
        switch (n) {
            case 0: return "zero";
            case 1: return "one";
            case 2:
            case 3: n += 10;
            case 4: return "fell " + n;
            default: return "other";
        }
    }
    static String sparse(int n) {
        switch (n) {
            case -1000000: return "low";
            case 7: return "seven";
            case 2000000000: return "high";
            default: return "none";
        }
    }
    static int byText(String s) {
        switch (s) {
            case "Aa": return 1;
            case "BB": return 2;
            default: return 0;
        }
    }
    enum Colour { RED, GREEN { @Override int weight() { return 2; } }, BLUE; int weight() { return 1; } }
    static int byEnum(Colour c) {
        return switch (c) {
            case RED -> 10;
            case GREEN -> { int x = c.weight(); yield x * 100; }
            case BLUE -> throw new IllegalStateException("blue");
        };
    }

    public static Object cSwitches() {
        StringBuilder out = new StringBuilder();
        for (int i = -1; i < 6; i++) out.append(switched(i));
        for (int i : new int[] {-1000000, 7, 2000000000, 8}) out.append(sparse(i));
        return out.append(byText("Aa")).append(byText("BB")).append(byText("C"))
                .append(byEnum(Colour.RED)).append(byEnum(Colour.GREEN)).toString();
    }

    public static Object cSwitchThatThrows() { return byEnum(Colour.BLUE); }

    static final Object lock = new Object();
    static synchronized int locked(int n) {
        if (n < 0) throw new IllegalArgumentException("negative");
        return n;
    }
    synchronized boolean lockedInstance() { return Thread.holdsLock(this); }
    static int block(int n) {
        synchronized (lock) {
            if (n == 1) return 1;
            if (n == 2) throw new IllegalStateException("two");
            synchronized (Subject.class) {
                n++;
            }
        }
        return n;
    }

    public static Object cMonitorsBalance() {
        StringBuilder out = new StringBuilder();
        for (int n : new int[] {1, -1}) {
            try {
                out.append(locked(n));
            } catch (IllegalArgumentException e) {
                out.append(e.getMessage());
            }
        }
        for (int n = 0; n < 3; n++) {
            try {
                out.append(block(n));
            } catch (IllegalStateException e) {
                out.append(e.getMessage());
            }
        }
        Subject subject = new Subject();
        return out.append(subject.lockedInstance()).append(Thread.holdsLock(subject))
                .append(Thread.holdsLock(lock)).append(Thread.holdsLock(Subject.class)).toString();
    }

    public static Object cLambdas() {
        int[] base = {10};
        IntBinaryOperator add = (a, b) -> a + b + base[0];
        Function<Integer, Function<Integer, Integer>> curried = a -> b -> a * b;
        Supplier<Base> make = () -> new Derived(9);
        Callable<String> reference = Colour.RED::name;
        try {
            return add.applyAsInt(1, 2) + curried.apply(6).apply(7) + make.get().seen
                    + reference.call() + IntStream.range(0, 20).filter(i -> i % 3 == 0).boxed()
                    .map(i -> "n" + i).sorted(Comparator.reverseOrder())
                    .collect(Collectors.joining(","));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    public static Object cLambdaThrows() {
        Function<Object, Integer> f = o -> ((String) o).length();
        return f.apply(3);
    }

    record Point(int x, long y, String name) {
        Point {
            if (x < 0) throw new IllegalArgumentException("x");
        }
        Point(int x) { this(x, x * 2L, "p" + x); }
        static Point origin() { return new Point(0, 0, "o"); }
        double norm() { return Math.sqrt((double) x * x + (double) y * y); }
    }

    public static Object cRecords() {
        Point p = new Point(3), q = new Point(3, 6, "p3");
        return p + " " + p.equals(q) + p.hashCode() + " " + p.norm() + Point.origin();
    }

    public static Object cRecordRefuses() { return new Point(-1); }

    sealed interface Shape permits Circle, Square, Empty {
        default String kind() { return "shape " + area(); }
        double area();
        static Shape of(int n) { return n == 0 ? new Empty() : n > 0 ? new Circle(n) : new Square(-n); }
    }
    record Circle(double r) implements Shape { public double area() { return 3 * r * r; } }
    record Square(double a) implements Shape { public double area() { return a * a; } }
    static final class Empty implements Shape {
        public double area() { return 0; }
        @Override public String kind() { return "empty " + Shape.super.kind(); }
    }

    public static Object cSealedAndDefaults() {
        StringBuilder out = new StringBuilder();
        for (int i = -1; i < 2; i++) {
            Shape s = Shape.of(i);
            if (s instanceof Circle c && c.r() > 0) out.append("circle");
            out.append(s.kind());
        }
        return out.toString();
    }

    static <T extends Comparable<T>> T most(List<? extends T> list) {
        T best = null;
        for (T t : list) if (best == null || t.compareTo(best) > 0) best = t;
        return best;
    }
    static int sum(int... n) { int s = 0; for (int i : n) s += i; return s; }

    static class Version implements Comparable<Version> {
        final int n;
        Version(int n) { this.n = n; }
        @Override public int compareTo(Version o) { return Integer.compare(n, o.n); }
        @Override public boolean equals(Object o) { return o instanceof Version v && v.n == n; }
        @Override public int hashCode() { return Objects.hash(n); }
        @Override public String toString() { return "v" + n; }
    }

    public static Object cGenericsAndBridges() {
        TreeMap<Version, Integer> map = new TreeMap<>();
        for (int i = 0; i < 30; i++) map.put(new Version(i * 7 % 11), i);
        return map + "" + most(List.of(new Version(3), new Version(9))) + sum() + sum(1, 2, 3);
    }

    static int deep(int n) { return deep(n + 1) + 1; }

    public static Object cStackOverflowIsCaught() {
        try {
            return deep(0);
        } catch (StackOverflowError e) {
            return "overflow";
        }
    }

    public static Object cStackOverflowInside() {
        int caught = 0;
        for (int i = 0; i < 3; i++) {
            try {
                deep(0);
            } catch (StackOverflowError e) {
                caught++;
            }
        }
        return caught + fib(5);
    }

    static int nested(int n) {
        outer:
        for (int i = 0; ; i++) {
            for (int j = 0; j < 5; j++) {
                if (j == n) continue outer;
                if (i * j > 20) break outer;
                if (i > 50) return -1;
            }
        }
        return n * 2;
    }

    public static Object cNestedLoops() { return nested(3) + nested(9) + nested(2); }

    static class Resource implements AutoCloseable {
        final String name;
        Resource(String name) { this.name = name; }
        @Override public void close() {
            side.add("close " + name);
            if (name.equals("bad")) throw new IllegalStateException("close");
        }
    }

    static String withResources(String name, boolean fail) {
        try (Resource a = new Resource("a"); Resource b = new Resource(name)) {
            if (fail) throw new RuntimeException("body");
            return a.name + b.name;
        } catch (RuntimeException e) {
            return e.getMessage() + e.getSuppressed().length;
        }
    }

    public static Object cTryWithResources() {
        side.clear();
        return withResources("good", false) + withResources("bad", false)
                + withResources("bad", true) + side;
    }

    static Object ternaries(Object o, int n) {
        return n > 3 ? o == null ? "null" : n % 2 == 0 ? o : Integer.valueOf(n)
                : n == 1 ? (Object) new int[n] : Long.valueOf(n);
    }

    public static Object cMergesOfTypes() {
        return ternaries(null, 4) + "" + ternaries("o", 4) + ternaries("o", 5)
                + ((int[]) ternaries(1, 1)).length + ternaries(1, 2);
    }

    static int assigned(int a, long b, String c) {
        a = a * 2;
        b = b + a;
        c = c + b;
        { long x = b; a += (int) x; }
        { String x = c; a += x.length(); }
        return a;
    }

    public static Object cArgumentsAreReassigned() { return assigned(1, 2, "three"); }

    static final int[] counter = new int[1];

    public static Object cThreads() throws Exception {
        List<Thread> threads = new ArrayList<>();
        counter[0] = 0;
        for (int i = 0; i < 4; i++) {
            Thread t = new Thread(() -> {
                for (int j = 0; j < 500; j++) count();
            });
            t.start();
            threads.add(t);
        }
        for (Thread t : threads) t.join();
        return counter[0];
    }
    static synchronized void count() { counter[0]++; }

    static class Lazy {
        static final String VALUE = make();
        static String make() { return "made"; }
    }
    static class Broken {
        static final int VALUE = fail();
        static int fail() { throw new IllegalStateException("clinit"); }
    }

    public static Object cClassInitialization() { return Lazy.VALUE; }

    public static Object cClassInitializationFails() { return Broken.VALUE; }
}
