package cloudelements;

import com.pulumi.Context;
import com.pulumi.automation.AutomationException;
import com.pulumi.automation.ConfigValue;
import com.pulumi.automation.DestroyOptions;
import com.pulumi.automation.LocalWorkspace;
import com.pulumi.automation.UpOptions;
import com.pulumi.automation.WorkspaceStack;
import com.pulumi.core.Output;
import com.pulumi.core.TypeShape;
import com.pulumi.core.annotations.Import;
import com.pulumi.deployment.Deployment;
import com.pulumi.resources.InvokeArgs;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A customer's help desk as an inline program of Pulumi's Automation API: up or destroy. */
public final class Program {
    /** The argument of the function `getInstance`. */
    static final class InstanceId extends InvokeArgs {
        @Import(name = "id", required = true)
        private final Output<String> id;

        InstanceId(Output<String> id) {
            this.id = id;
        }
    }

    static void program(Context context) {
        Output<String> password = context.config().requireSecret("password");
        Output<Map<String, Object>> configuration =
                password.applyValue(
                        value ->
                                Map.of(
                                        "subdomain", "acme",
                                        "username", "integration",
                                        "password", value));
        var desk =
                new ElementInstance(
                        "desk",
                        new ElementInstanceArgs(
                                "freshservice", "acme-desk", List.of("acme"), configuration));
        Output<Map<String, Object>> found =
                Deployment.getInstance()
                        .invoke(
                                "cloud-elements:index:getInstance",
                                TypeShape.map(String.class, Object.class),
                                new InstanceId(desk.instanceId()));
        context.export("deskToken", desk.elementToken());
        context.export("deskName", found.applyValue(instance -> instance.get("name")));
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.out.println("usage: mvn compile exec:java -Dexec.args=up|destroy");
            return;
        }
        try (var stack =
                LocalWorkspace.createOrSelectStack("cloud-elements-java", "dev", Program::program)) {
            run(stack, arguments[0]);
        } catch (AutomationException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }

    private static void run(WorkspaceStack stack, String command) throws AutomationException {
        String password = System.getenv().getOrDefault("DESK_PASSWORD", "");
        stack.setConfig("password", new ConfigValue(password, true));
        Consumer<String> show = System.out::println;
        switch (command) {
            case "up" -> stack.up(UpOptions.builder().onStandardOutput(show).build());
            case "destroy" -> stack.destroy(DestroyOptions.builder().onStandardOutput(show).build());
            default -> throw new IllegalArgumentException(command + " is neither up nor destroy");
        }
    }
}
