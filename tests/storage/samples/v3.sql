BEGIN TRANSACTION;
CREATE TABLE audit(
                id bigint primary key, at bigint not null, kind text not null,
                body blob not null, chain blob not null);
INSERT INTO "audit" VALUES(1,1760000000201,'connect.refused',X'7B7D',X'00');
CREATE TABLE device(
                device_id text primary key, public_key text, body blob,
                approved_at bigint, last_seen_at bigint);
INSERT INTO "device" VALUES('d1','key',X'7B7D',1760000000001,1760000000002);
CREATE TABLE device_token(
                device_id text, role text, body blob, primary key (device_id, role));
INSERT INTO "device_token" VALUES('d1','operator',X'7365616C6564');
CREATE TABLE input(
                run_id text primary key, kind text, session_key text, session_id text,
                state text, attempts int default 0, accepted_at bigint, started_at bigint,
                ended_at bigint, position bigint, body blob, result blob);
INSERT INTO "input" VALUES('run-1','chat','agent:main:main','7d0f','done',1,1760000000001,1760000000002,1760000000003,1,X'7B7D',X'7B226F6B223A747275657D');
INSERT INTO "input" VALUES('run-2','chat','agent:main:main','7d0f','accepted',0,1760000000004,NULL,NULL,2,X'00FF',NULL);
CREATE TABLE message(
                id integer primary key autoincrement, session_id text, seq bigint, message_id text, run_id text, role text,
                body blob, at bigint, unique (session_id, seq));
INSERT INTO "message" VALUES(1,'7d0f',1,'msg-1','run-1','user',X'7B2274657874223A2268656C6C6F227D',1760000000003);
INSERT INTO "message" VALUES(2,'7d0f',2,'msg-2','run-1','assistant',X'7B2274657874223A22E4BDA0E5A5BD227D',1760000000003);
CREATE TABLE pairing(
                request_id text primary key, device_id text, body blob, created_at bigint);
INSERT INTO "pairing" VALUES('p1','d2',X'7B7D',1760000000001);
CREATE TABLE schema_version(v bigint primary key, at bigint not null);
INSERT INTO "schema_version" VALUES(1,1760000000000);
INSERT INTO "schema_version" VALUES(2,1760000000100);
INSERT INTO "schema_version" VALUES(3,1760000000200);
CREATE TABLE sender(
                channel text, account text, sender_id text, state text, body blob,
                created_at bigint, primary key (channel, account, sender_id));
INSERT INTO "sender" VALUES('telegram','main','123','waiting',X'7B7D',1760000000101);
CREATE TABLE session(
                key text primary key, session_id text not null, agent_id text not null,
                created_at bigint, updated_at bigint, archived int default 0,
                last_seq bigint default 0, settings text not null default '{}');
INSERT INTO "session" VALUES('agent:main:main','7d0f','main',1760000000001,1760000000002,0,2,'{"label":"Müller"}');
INSERT INTO "session" VALUES('agent:main:old','91aa','main',NULL,NULL,1,0,'{}');
CREATE TABLE setting(name text primary key, value blob);
INSERT INTO "setting" VALUES('heartbeats',X'74727565');
CREATE TABLE usage(
                id integer primary key autoincrement, run_id text, at bigint, provider text, model text,
                input bigint, output bigint);
INSERT INTO "usage" VALUES(1,'run-1',1760000000003,'embedded','echo',3,4);
CREATE UNIQUE INDEX message_by_message_id on message(message_id);
CREATE INDEX message_by_run on message(run_id);
CREATE INDEX input_by_state on input(state, position);
CREATE INDEX input_by_end on input(ended_at);
CREATE INDEX usage_by_time on usage(at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',2);
INSERT INTO "sqlite_sequence" VALUES('usage',2);
CREATE INDEX audit_by_kind on audit(kind, id);
CREATE INDEX audit_by_time on audit(at);
COMMIT;
