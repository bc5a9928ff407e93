// Runs what stdin asks for, and prints what came of it: {wsdl, url, steps} -> [...], or {wsdl, messages} -> [...].
'use strict';
const fs = require('fs');
const soap = require('soap');

const XMLA = 'urn:schemas-microsoft-com:xml-analysis';

async function step(client, { block, id, mustUnderstand }) {
  client.clearSoapHeaders();
  if (block) {
    const attributes = { xmlns: XMLA };
    if (id !== undefined) attributes.SessionId = id;
    if (mustUnderstand) attributes[mustUnderstand] = '1';
    client.addSoapHeader({ [block]: { attributes } });
  }
  try {
    const [, , header] = await client.ExecuteAsync({ Command: { Statement: '' }, Properties: {} });
    return { header: header ?? null };
  } catch (error) {
    return { error: error.message, fault: error.root?.Envelope?.Body?.Fault ?? null };
  }
}

function read(client, message) {
  try {
    return { object: client.wsdl.xmlToObject(message) };
  } catch (error) {
    return { error: error.message };
  }
}

async function main() {
  const { wsdl, url, steps, messages } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const client = await soap.createClientAsync(wsdl, { returnFault: false }, url);
  const results = [];
  for (const message of messages ?? []) results.push(read(client, message));
  let granted;
  for (const asked of steps ?? []) {
    // What it has read it writes back.
    const result = await step(client, asked.id === null ? { ...asked, id: granted } : asked);
    granted = result.header?.Session?.attributes?.SessionId ?? granted;
    results.push(result);
  }
  process.stdout.write(JSON.stringify(results));
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
