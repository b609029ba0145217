import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs every case of the subject classes as they are and rewritten: results and exceptions must be the
 * same, and every entry that the probe saw must have its end. Then again with a probe that always fails.
 *
 * <p>usage: RunSubjects PROGRAM CLASS...; the last line is a JSON object.
 */
public final class RunSubjects {
    private static final class Loader extends ClassLoader {
        private final Rewriter rewriter;  // null: as they are
        private final String[] prefixes;
        private final Map<String, Class<?>> defined = new HashMap<>();

        Loader(Rewriter rewriter, String[] prefixes) {
            super(RunSubjects.class.getClassLoader());
            this.rewriter = rewriter;
            this.prefixes = prefixes;
        }

        @Override
        protected synchronized Class<?> loadClass(String name, boolean resolve)
                throws ClassNotFoundException {
            boolean ours = Arrays.stream(prefixes)
                    .anyMatch(p -> name.equals(p) || name.startsWith(p + "$"));
            if (!ours) return super.loadClass(name, resolve);
            Class<?> known = defined.get(name);
            if (known != null) return known;
            try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                if (rewriter != null) bytes = rewriter.rewrite(bytes);
                known = defineClass(name, bytes, 0, bytes.length);
                defined.put(name, known);
                return known;
            } catch (java.io.IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    private static String outcome(Class<?> loaded, String name) throws Exception {
        Method method = loaded.getDeclaredMethod(name);
        method.setAccessible(true);
        try {
            return String.valueOf(method.invoke(null));
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            StringBuilder text = new StringBuilder(cause.toString());
            for (StackTraceElement frame : cause.getStackTrace()) {
                // Names and lines must be the same too.
                if (frame.getClassName().startsWith("java.") || frame.getClassName().startsWith("jdk.")) break;
                text.append(" at ").append(frame.getMethodName()).append(':').append(frame.getLineNumber());
            }
            return text.toString();
        }
    }

    private static int calls(Class<?> loaded) throws Exception {
        try {
            var field = loaded.getDeclaredField("calls");
            field.setAccessible(true);
            int value = field.getInt(null);
            field.setInt(null, 0);
            return value;
        } catch (NoSuchFieldException e) {
            return 0;
        }
    }

    private static int cases, methods, problems;

    private static void problem(String text) {
        problems++;
        System.out.println(text);
    }

    private static void run(String program, String plan, String[] classes, boolean failing)
            throws Exception {
        CountProbe.fail = false;
        try (Rewriter rewriter = new Rewriter(program, plan, "CountProbe")) {
            Loader before = new Loader(null, classes), after = new Loader(rewriter, classes);
            for (String name : classes) {
                Class<?> plain = Class.forName(name, false, before);
                Class<?> changed = Class.forName(name, false, after);
                methods += changed.getDeclaredMethods().length;
                Method[] all = plain.getDeclaredMethods();
                Arrays.sort(all, Comparator.comparing(Method::getName));
                for (Method method : all) {
                    if (!method.getName().startsWith("c") || method.getParameterCount() != 0
                            || !Modifier.isPublic(method.getModifiers())) {
                        continue;
                    }
                    cases++;
                    String expected = outcome(plain, method.getName());
                    CountProbe.reset();
                    CountProbe.fail = failing;
                    String actual = outcome(changed, method.getName());
                    CountProbe.fail = false;
                    String where = plan + (failing ? " (failing) " : " ") + method.getName();
                    if (!expected.equals(actual)) {
                        problem(where + ": " + expected + " -> " + actual);
                    }
                    int expectedCalls = calls(plain), actualCalls = calls(changed);
                    if (expectedCalls != actualCalls) {
                        problem(where + ": calls " + expectedCalls + " -> " + actualCalls);
                    }
                    if (!failing) balance(where, method.getName(), expectedCalls);
                }
            }
            if (rewriter.refused > 0) problem(plan + ": refused " + rewriter.refused);
        }
    }

    private static void balance(String where, String name, int calls) {
        long enters = CountProbe.enters.get(), exits = CountProbe.exits.get();
        long thrown = CountProbe.throwsSeen.get();
        // At the end of the stack the probe's own calls fail, half done: only the outcome counts there.
        boolean atTheEnd = name.startsWith("cStackOverflow");
        if (CountProbe.wrong.get() != 0 && !atTheEnd) {
            problem(where + ": " + CountProbe.wrong + " wrong tokens");
        }
        if (enters == 0) problem(where + ": no advice ran");
        // A constructor that fails before super() or in this() is entered and not seen to end.
        long open = name.equals("cConstructorThrowsBeforeSuper") || name.equals("cRecordRefuses") ? 1 : 0;
        if (!atTheEnd && enters != exits + thrown + open) {
            problem(where + ": " + enters + " entries, " + exits + " returns, " + thrown + " throws");
        }
        // The case itself and fib's own count.
        if (name.equals("cRecursion") && enters != calls + 1) {
            problem(where + ": " + enters + " entries for " + calls + " calls");
        }
    }

    public static void main(String[] args) throws Exception {
        String[] classes = Arrays.copyOfRange(args, 1, args.length);
        run(args[0], "count", classes, false);
        run(args[0], "watch", classes, false);
        run(args[0], "count", classes, true);
        run(args[0], "watch", classes, true);
        System.out.printf("{\"cases\":%d,\"methods\":%d,\"problems\":%d}%n", cases, methods, problems);
        System.exit(problems == 0 ? 0 : 1);
    }
}
