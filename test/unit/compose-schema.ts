import Type, { type Static } from 'typebox';

/** The part of the compose format (compose-spec) that docker-compose.yml uses, and not one key more. */

const strict = { additionalProperties: false } as const;
const Strings = Type.Array(Type.String(), { minItems: 1 });
const Duration = Type.String({ pattern: '^\\d+s$' });
const Environment = Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]*$' }), Type.String());
const Port = Type.String({
  pattern: '^(\\d{1,3}(\\.\\d{1,3}){3}:)?\\d{1,5}(-\\d{1,5})?:\\d{1,5}(-\\d{1,5})?/(udp|tcp)$',
});
const OnNetwork = Type.Object(
  { ipv4_address: Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$' }) },
  strict,
);

const Volume = Type.Union([
  Type.String({ pattern: '^(\\./)?[\\w/-]+:/[\\w/-]+(:ro)?$' }),
  Type.Object(
    {
      type: Type.Literal('volume'),
      source: Type.String(),
      target: Type.String({ pattern: '^/' }),
      read_only: Type.Boolean(),
      volume: Type.Object({ nocopy: Type.Boolean() }, strict),
    },
    strict,
  ),
]);

const Service = Type.Object(
  {
    image: Type.String({ pattern: '^[a-z0-9/-]+(:[\\w.-]+)?$' }),
    build: Type.Optional(Type.String()),
    init: Type.Optional(Type.Boolean()),
    profiles: Type.Optional(Strings),
    restart: Type.Enum(['no', 'always', 'on-failure', 'unless-stopped']),
    user: Type.String({ pattern: '^\\d+:\\d+$' }),
    read_only: Type.Boolean(),
    cap_drop: Strings,
    security_opt: Strings,
    ulimits: Type.Object({ core: Type.Integer({ minimum: 0 }) }, strict),
    depends_on: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          { condition: Type.Enum(['service_started', 'service_healthy', 'service_completed_successfully']) },
          strict,
        ),
      ),
    ),
    entrypoint: Type.Optional(Strings),
    command: Type.Optional(Strings),
    environment: Environment,
    ports: Type.Optional(Type.Array(Port)),
    networks: Type.Object({ private: Type.Optional(OnNetwork), edge: Type.Optional(OnNetwork) }, strict),
    volumes: Type.Optional(Type.Array(Volume)),
    tmpfs: Type.Optional(
      Type.Array(Type.String({ pattern: '^/[\\w/]+:mode=0700,uid=\\d+,gid=\\d+$' }), { minItems: 1 }),
    ),
    healthcheck: Type.Object(
      { test: Strings, interval: Duration, timeout: Duration, start_period: Duration },
      strict,
    ),
    stop_grace_period: Type.Optional(Duration),
  },
  strict,
);
export type Service = Static<typeof Service>;

const Network = Type.Object(
  {
    internal: Type.Optional(Type.Boolean()),
    ipam: Type.Object(
      {
        config: Type.Array(
          Type.Object({ subnet: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+\\.0/24$' }) }, strict),
        ),
      },
      strict,
    ),
  },
  strict,
);

export const Compose = Type.Object(
  {
    name: Type.String(),
    'x-hardened': Type.Unknown(),
    services: Type.Object({ tacet: Service, drachtio: Service, freeswitch: Service, redis: Service }, strict),
    networks: Type.Object({ private: Network, edge: Network }, strict),
    volumes: Type.Record(Type.String(), Type.Null()),
  },
  strict,
);
