/** What is made once and kept: this installation's id, its signing key. */
import type { Queryable } from './database.ts';

/** The value under `name`; the first to come decides, everyone gets the same. */
export async function keepOnce(
  db: Queryable,
  tenantId: string,
  name: string,
  value: string,
): Promise<string> {
  await db.query(
    `insert into installation (tenant_id, name, value) values ($1, $2, $3)
     on conflict (tenant_id, name) do nothing`,
    [tenantId, name, value],
  );
  const [row] = await db.query<{ value: string }>(
    'select value from installation where tenant_id = $1 and name = $2',
    [tenantId, name],
  );
  if (row === undefined) throw new Error(`${name} was not kept`);
  return row.value;
}
