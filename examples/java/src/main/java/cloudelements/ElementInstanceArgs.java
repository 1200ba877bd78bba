package cloudelements;

import com.pulumi.core.Output;
import com.pulumi.core.annotations.Import;
import com.pulumi.resources.ResourceArgs;
import java.util.List;
import java.util.Map;

/** The inputs of an element instance that this program uses. */
public final class ElementInstanceArgs extends ResourceArgs {
    @Import(name = "elementKey", required = true)
    private final Output<String> elementKey;

    @Import(name = "name")
    private final Output<String> name;

    @Import(name = "tags")
    private final Output<List<String>> tags;

    @Import(name = "configuration")
    private final Output<Map<String, Object>> configuration;

    public ElementInstanceArgs(
            String elementKey,
            String name,
            List<String> tags,
            Output<Map<String, Object>> configuration) {
        this.elementKey = Output.of(elementKey);
        this.name = Output.of(name);
        this.tags = Output.of(tags);
        this.configuration = configuration;
    }
}
