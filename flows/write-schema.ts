import { writeFileSync } from 'node:fs';
import { jsonSchema } from './schema.js';

// Run after a change of the language, from the repository's root: node dist/flows/write-schema.js && npm run format
writeFileSync('flows/flow.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`);
