import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;

/** Called by rewritten classes: every entry has one end, in the order of a stack, thread by thread. */
public final class CountProbe {
    static final AtomicLong enters = new AtomicLong(), exits = new AtomicLong();
    static final AtomicLong throwsSeen = new AtomicLong(), wrong = new AtomicLong();
    static volatile boolean fail;
    private static final AtomicLong next = new AtomicLong();
    private static final ThreadLocal<ArrayDeque<Long>> stack = ThreadLocal.withInitial(ArrayDeque::new);

    private CountProbe() {}

    static void reset() {
        enters.set(0);
        exits.set(0);
        throwsSeen.set(0);
        wrong.set(0);
        stack.remove();  // the end of a stack may have left it half changed
    }

    public static long enter(int id) {
        if (fail) throw new IllegalStateException("the probe fails at entry");
        enters.incrementAndGet();
        long token = next.incrementAndGet();
        stack.get().push(token);
        return token;
    }

    private static void leave(long token) {
        if (fail) throw new IllegalStateException("the probe fails at the end");
        ArrayDeque<Long> tokens = stack.get();
        // What was entered above and not left: a constructor that failed before super(), or an entry whose
        // call itself hit the end of the stack.
        while (!tokens.isEmpty() && tokens.peek() > token) tokens.pop();
        if (token == 0) return;
        if (tokens.isEmpty() || tokens.pop() != token) wrong.incrementAndGet();
    }

    public static void exit(long token) {
        exits.incrementAndGet();
        leave(token);
    }

    public static void thrown(Throwable thrown, long token) {
        if (thrown == null) wrong.incrementAndGet();
        throwsSeen.incrementAndGet();
        leave(token);
    }

    public static Object enterWatch(String what, Object self, Object[] arguments) {
        if (!what.equals("watch") || arguments == null) wrong.incrementAndGet();
        return arguments;
    }

    public static void exitWatch(Object self, Object result, Object token) {
        if (!(token instanceof Object[]) && !fail) wrong.incrementAndGet();
        if (fail) throw new StackOverflowError("made up");
    }

    public static void thrownWatch(Object self, Throwable thrown, Object token) {
        if (thrown == null) wrong.incrementAndGet();
        if (fail) throw new OutOfMemoryError("made up");
    }

    static final AtomicLong failures = new AtomicLong();

    public static void failed(Throwable thrown, int id) {
        failures.incrementAndGet();
        if (thrown == null || id != 7) wrong.incrementAndGet();
        if (fail) throw new IllegalStateException("the failure handler fails");
    }
}
