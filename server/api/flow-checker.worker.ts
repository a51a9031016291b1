import { parentPort, workerData } from 'node:worker_threads';
import { checkDocument } from '../../flows/loader.js';
import type { CheckJob } from './flow-checker.js';

/** Problems repeat names of the document: without bounds a small one could be answered with a hundred megabytes. */
const MOST_PROBLEMS = 500;
const MOST_CHARACTERS = 1000;

const bounded = (text: string): string =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}...` : text;

const { document, fileName, surroundings } = workerData as CheckJob;
const { problems, flow } = await checkDocument(document, fileName, surroundings);
parentPort?.postMessage({
  flow,
  problems: problems.slice(0, MOST_PROBLEMS).map(({ message, remedy, ...place }) => ({
    ...place,
    message: bounded(message),
    remedy: bounded(remedy),
  })),
});
