import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { it } from 'node:test';
import { freePorts } from '../kit/ports.js';

it('ports for programs: each is given once, whether a program has bound it yet or not', async () => {
  const ports: number[] = [];
  while (ports.length < 300) ports.push(...(await freePorts(3)));
  assert.equal(new Set(ports).size, ports.length);
  assert.ok(ports.every((port) => port % 2 === 0 && port >= 10_000 && port < 20_000));
});

it('ports for programs: the one and the three after it can be bound', async () => {
  const [port = 0] = await freePorts(1);
  const sockets = [0, 1, 2, 3].map((at) => createSocket('udp4').bind(port + at, '127.0.0.1'));
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
  } finally {
    for (const socket of sockets) socket.close();
  }
});
