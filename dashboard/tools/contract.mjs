// Writes src/api/contract.gen.ts from the server's OpenAPI document on standard input: `npm run contract`.
import { writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

/** A schema that accepts anything is a payload. Inside maps it gets a name, since an empty schema is skipped there. */
function markPayloads(schema) {
  if (Array.isArray(schema)) return schema.map(markPayloads);
  if (typeof schema !== "object" || schema === null) return schema;
  const marked = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, markPayloads(value)]));
  const { additionalProperties } = marked;
  const isOpen = additionalProperties && Object.keys(additionalProperties).length === 0;
  return isOpen ? { ...marked, additionalProperties: { $ref: "#/components/schemas/Payload" } } : marked;
}

const document = JSON.parse(await text(process.stdin));
const payload = ts.factory.createTypeReferenceNode("JsonText");

const types = await openapiTS(
  {
    openapi: "3.1.0",
    info: { title: "Mulligan", version: "1" },
    paths: {},
    components: { schemas: { ...markPayloads(document.components.schemas), Payload: {} } },
  },
  {
    transform: (schema) => {
      const rules = Object.keys(schema).filter((key) => key !== "description" && key !== "title");
      return rules.length === 0 ? payload : undefined;
    },
    inject: 'import type { JsonText } from "@/pure/wire";\n',
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    alphabetize: true,
  },
);
writeFileSync(new URL("../src/api/contract.gen.ts", import.meta.url), astToString(types));
