package cloudelements;

import com.pulumi.core.Output;
import com.pulumi.core.annotations.Export;
import com.pulumi.core.annotations.ResourceType;
import com.pulumi.resources.CustomResource;
import com.pulumi.resources.CustomResourceOptions;
import java.util.List;

/** An element instance: what a generated SDK would hold, as far as this program uses it. */
@ResourceType(type = "cloud-elements:index:ElementInstance")
public final class ElementInstance extends CustomResource {
    /** For calls to the account through the platform. A secret. */
    @Export(name = "elementToken", refs = {String.class}, tree = "[0]")
    private Output<String> elementToken;

    /** The id that the platform gave it. */
    @Export(name = "instanceId", refs = {String.class}, tree = "[0]")
    private Output<String> instanceId;

    public ElementInstance(String name, ElementInstanceArgs args) {
        super("cloud-elements:index:ElementInstance", name, args, hiding());
    }

    private static CustomResourceOptions hiding() {
        return CustomResourceOptions.builder()
                .additionalSecretOutputs(List.of("elementToken", "configuration"))
                .build();
    }

    public Output<String> elementToken() {
        return elementToken;
    }

    public Output<String> instanceId() {
        return instanceId;
    }
}
