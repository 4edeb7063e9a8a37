/** Records of messages stay for 24 hours, which has no setting: the database itself makes them go after so many seconds. */
export function shortenRecords(seconds: number): string {
  return `
    create function shorten_record() returns trigger language plpgsql as $$ begin
      new.forget_at := coalesce(new.delivered_at, new.expires_at) + interval '${seconds} seconds';
      return new;
    end $$;
    create trigger shorten_record before insert or update on messages for each row execute function shorten_record();`
}
