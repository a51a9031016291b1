import Type, { type Static } from 'typebox';

/** Schemas that several sections of the configuration share. */

export const strict = { additionalProperties: false } as const;

/** Identifiers that become file names, SIP users or labels. */
export const NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

export const FilePath = (description: string) => Type.String({ format: 'path', minLength: 1, description });

export const Headers = Type.Record(
  Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }),
  Type.String({ pattern: '^[\\x20-\\x7e]*$' }),
  { description: 'further request headers; no secrets here' },
);

export const secretReference = (description: string) =>
  Type.Object(
    {
      env: Type.Optional(
        Type.String({
          pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
          description: 'environment variable that holds the secret',
        }),
      ),
      file: Type.Optional(FilePath('file that holds the secret, readable by its owner only')),
    },
    { ...strict, description },
  );

export const SecretReference = secretReference('value of the Authorization header, from one of');
export type SecretReference = Static<typeof SecretReference>;
