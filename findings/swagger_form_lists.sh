#!/bin/sh
# swagger2openapi 7.0.8 from npm, with which the Swagger 2.0 documents that connector platforms hand
# out are brought to OpenAPI 3 for today's client generators.
# Behaviour: a list in a form is sent as one field with commas (csv, Swagger's default) or as a field
# for each element (multi), and the two become the same OpenAPI text, without an "encoding" and without
# a warning. OpenAPI takes that for the second, so a client made from it sends ids=a&ids=b to an API
# that asked for ids=a,b. The same list in a query is converted as it should be.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
npm install --silent --no-fund --no-audit --ignore-scripts swagger2openapi@7.0.8 >/dev/null 2>&1
cat > look.js <<'JS'
const converter = require("swagger2openapi");

const form = "application/x-www-form-urlencoded";

async function converted(place, collectionFormat) {
    const list = { name: "ids", in: place, type: "array", items: { type: "string" }, collectionFormat };
    const operation = { consumes: [form], parameters: [list], responses: { default: { description: "any" } } };
    const info = { title: "title", version: "1" };
    const document = { swagger: "2.0", info, paths: { "/": { post: operation } } };
    return (await converter.convertObj(document, {})).openapi.paths["/"].post;
}

(async () => {
    for (const kind of ["csv", "multi"]) {
        const { explode } = (await converted("query", kind)).parameters[0];
        const body = (await converted("formData", kind)).requestBody.content[form];
        console.log(`${kind}: in a query explode ${explode}, in a form`, JSON.stringify(body));
    }
})();
JS
node look.js > seen
cat > expected <<'TEXT'
csv: in a query explode false, in a form {"schema":{"type":"object","properties":{"ids":{"type":"array","items":{"type":"string"}}}}}
multi: in a query explode true, in a form {"schema":{"type":"object","properties":{"ids":{"type":"array","items":{"type":"string"}}}}}
TEXT
cat seen
diff expected seen && echo "as described, with swagger2openapi 7.0.8"
