import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.List;

/**
 * Replaced arguments, results and calls, an added field and interface, in a real JVM.
 *
 * <p>usage: RunFeatures PROGRAM; the last line is a JSON object.
 */
public final class RunFeatures {
    private static int checks, problems;

    private static void expect(Object expected, Object actual) {
        checks++;
        if (expected.equals(actual)) return;
        problems++;
        System.out.println("expected " + expected + ", was " + actual);
    }

    public static void main(String[] args) throws Exception {
        byte[] bytes;
        try (Rewriter rewriter = new Rewriter(args[0], "features", "FeatureProbe");
                InputStream in = RunFeatures.class.getResourceAsStream("Shop.class")) {
            bytes = rewriter.rewrite(in.readAllBytes());
        }
        Class<?> changed = new ClassLoader(RunFeatures.class.getClassLoader()) {
            Class<?> define() { return defineClass("Shop", bytes, 0, bytes.length); }
        }.define();
        Object shop = changed.getConstructor().newInstance();

        Method price = changed.getMethod("price", int.class, String.class);
        expect(1000 + 20 + 6, price.invoke(shop, 2, "milk"));
        expect(1000 + 20 + 3, price.invoke(shop, 2, "bad"));  // the replacement fails: as it came
        expect("hello you?", changed.getMethod("greet", String.class).invoke(null, "you"));
        expect(10.0, changed.getMethod("half", double.class).invoke(null, 5.0));

        Object total = changed.getMethod("total", List.class, long.class)
                .invoke(shop, List.of(1L, 2L), 40L);
        expect(43L, total);
        expect("[1, 2] 40 43", FeatureProbe.log);  // the argument as it came in

        FeatureProbe.log = "";
        Runnable task = () -> FeatureProbe.log += "task ";
        changed.getMethod("run", Runnable.class).invoke(shop, task);
        expect("before task after", FeatureProbe.log);
        expect(104, changed.getMethod("longer", String.class, String.class).invoke(null, "abc", "d"));
        Method tried = changed.getMethod("tried", int.class);
        expect(8, tried.invoke(shop, 7));
        expect(-1, tried.invoke(shop, 13));  // a replaced call is the method's own

        FeatureProbe.Holder holder = (FeatureProbe.Holder) shop;
        expect(0L, holder.rondaGet());
        holder.rondaSet(1L << 40);
        expect(1L << 40, holder.rondaGet());
        System.out.printf("{\"checks\":%d,\"problems\":%d}%n", checks, problems);
        System.exit(problems == 0 ? 0 : 1);
    }
}
