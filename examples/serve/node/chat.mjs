// The official client of OpenAI, in JavaScript, answered from a recording.
import { readFile } from "node:fs/promises";

import OpenAI from "openai";

const client = new OpenAI({
  apiKey: "any",
  baseURL: process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8014/v1",
});

// A recording answers the very request that it was made of, and no other.
const request = JSON.parse(await readFile(new URL("../request.json", import.meta.url), "utf8"));

try {
  const completion = await client.chat.completions.create(request);
  console.log(completion.choices[0].message.content);
} catch (error) {
  console.error(`${error.constructor.name}: ${error.message}`);
  process.exitCode = 1;
}
