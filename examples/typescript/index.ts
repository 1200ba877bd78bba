// A customer's help desk as an inline program of Pulumi's Automation API: node index.js up|destroy
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { ElementInstance, getInstanceOutput } from "pulumi-cloud-elements";

async function program() {
    const desk = new ElementInstance("desk", {
        elementKey: "freshservice",
        name: "acme-desk",
        tags: ["acme"],
        configuration: {
            subdomain: "acme",
            username: "integration",
            password: new pulumi.Config().requireSecret("password"),
        },
    });
    return {
        deskToken: desk.elementToken,
        deskName: getInstanceOutput({ id: desk.instanceId }).name,
    };
}

async function main(command: string) {
    const stack = await LocalWorkspace.createOrSelectStack({
        stackName: "dev",
        projectName: "cloud-elements-typescript",
        program,
    });
    await stack.setConfig("password", { value: process.env.DESK_PASSWORD ?? "", secret: true });
    const onOutput = (text: string) => process.stdout.write(text);
    switch (command) {
        case "up":
            await stack.up({ onOutput });
            break;
        case "destroy":
            await stack.destroy({ onOutput });
            break;
        default:
            throw new Error("usage: node index.js up|destroy");
    }
}

main(process.argv[2] ?? "").catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
});
