// The npm package telegram-test-api: an emulator of the Bot API that nobody here wrote. Run with the
// package's directory and a port.
const [directory, port] = process.argv.slice(2);
const TelegramServer = require(directory);

const server = new TelegramServer({ port: Number(port), host: "127.0.0.1" });
server.start().then(() => process.stdout.write('{"step": "ready"}\n'));
