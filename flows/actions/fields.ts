import Type from 'typebox';

/** Schemas that several actions share. */

export const IDENTIFIER = '^[A-Za-z][A-Za-z0-9_]{0,49}$';

export const Expression = Type.Union([Type.String({ minLength: 1 }), Type.Number(), Type.Boolean()], {
  description: 'a CEL expression over flow.*, call.* and data.*, or a plain number or boolean',
});

export const FlowVariable = Type.String({
  pattern: '^flow\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
  description: 'a declared variable, as flow.amount',
});

export const SecureVariable = Type.String({
  pattern: '^secure\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
  description: 'a declared variable of type secure, as secure.card',
});

export const Name = Type.String({
  pattern: IDENTIFIER,
  description: 'letters, digits and _, beginning with a letter',
});

/** A path below a key of its own in an action. The builder says what is wrong in it, one action at a time. */
export const Block = Type.Unsafe<readonly unknown[]>({ description: 'a list of actions' });

/** The variable's name without its namespace. */
export function bareName(reference: string): string {
  return reference.slice(reference.indexOf('.') + 1);
}
