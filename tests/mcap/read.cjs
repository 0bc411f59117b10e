// Reads an MCAP file as others do: with the public reader, by its index and as a stream with all
// check sums, and takes messages apart by nothing but the schemas in the file.
//
//   node read.cjs MODULES FILE     MODULES: the folder in which node_modules lies
//   -> one JSON object; exit 1 and the reader's words on stderr, if it refuses the file
"use strict";

const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const [modules, file] = process.argv.slice(2);
const from = createRequire(path.join(path.resolve(modules), "read.cjs"));
const { McapIndexedReader, McapStreamReader } = from("@mcap/core");
const zstd = from("@foxglove/wasm-zstd");
const { ByteBuffer } = from("flatbuffers");
const { Parser, Schema, Table } = from("flatbuffers_reflection");

// As viewers do it: the table is found by the schema's name among all of the binary schema.
function decoder(schema) {
  const raw = Schema.getRootAsSchema(new ByteBuffer(schema.data));
  const names = raw.unpack().objects.map((object) => object.name);
  const type = names.indexOf(schema.name);
  if (type < 0) {
    throw new Error(`no table ${schema.name} in its schema`);
  }
  const toObject = new Parser(raw).toObjectLambda(type, true);
  return (data) => {
    const bytes = new ByteBuffer(data);
    const root = bytes.readInt32(bytes.position()) + bytes.position();
    return toObject(new Table(bytes, type, root, false));
  };
}

const count = (counts, key) => {
  counts[key] = (counts[key] ?? 0) + 1;
};

async function byIndex(bytes, decompressHandlers) {
  const readable = {
    size: async () => BigInt(bytes.length),
    read: async (offset, size) => bytes.subarray(Number(offset), Number(offset + size)),
  };
  const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
  const decoders = new Map();
  const found = { counts: {}, messages: [], channels: [], statistics: undefined };
  for (const channel of reader.channelsById.values()) {
    const schema = reader.schemasById.get(channel.schemaId);
    found.channels.push({
      topic: channel.topic,
      encoding: channel.messageEncoding,
      schema: schema?.name,
      metadata: Object.fromEntries(channel.metadata),
    });
  }
  found.statistics = Number(reader.statistics?.messageCount ?? -1);
  for await (const message of reader.readMessages()) {
    const channel = reader.channelsById.get(message.channelId);
    count(found.counts, channel.topic);
    let value;
    if (channel.messageEncoding === "json") {
      value = JSON.parse(new TextDecoder().decode(message.data));
    } else {
      if (!decoders.has(channel.schemaId)) {
        decoders.set(channel.schemaId, decoder(reader.schemasById.get(channel.schemaId)));
      }
      value = decoders.get(channel.schemaId)(message.data);
    }
    found.messages.push({
      topic: channel.topic,
      sequence: message.sequence,
      log_time: message.logTime,
      value,
    });
  }
  return found;
}

function asStream(bytes, decompressHandlers) {
  const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true });
  const counts = {};
  const topics = new Map();
  reader.append(bytes);
  for (let record; (record = reader.nextRecord()); ) {
    if (record.type === "Channel") {
      topics.set(record.id, record.topic);
    } else if (record.type === "Message") {
      count(counts, topics.get(record.channelId));
    }
  }
  if (!reader.done()) {
    throw new Error("the stream is not done");
  }
  return counts;
}

async function main() {
  await zstd.isLoaded;
  const decompressHandlers = {
    zstd: (buffer, size) => zstd.decompress(buffer, Number(size)),
  };
  const bytes = new Uint8Array(fs.readFileSync(file));
  const out = await byIndex(bytes, decompressHandlers);
  out.streamed = asStream(bytes, decompressHandlers);
  // Times do not fit into a JSON number, NaN is none.
  const plain = (_, value) =>
    typeof value === "bigint" ? value.toString() : Number.isNaN(value) ? null : value;
  process.stdout.write(JSON.stringify(out, plain));
}

main().catch((error) => {
  process.stderr.write(`${error.message ?? error}\n`);
  process.exitCode = 1;
});
