BEGIN TRANSACTION;
CREATE TABLE approval(
                id text primary key, digest text not null, state text not null,
                body blob not null, created_at bigint not null, expires_at bigint not null,
                decided_by text not null default '');
INSERT INTO "approval" VALUES('q1','ab12','used',X'7B226E6F6465223A2267617465776179222C22636F6D6D616E64223A2267685F5F78222C2261726776223A5B227B7D225D2C2273657373696F6E5F6B6579223A226167656E743A6D61696E3A6D61696E227D',1795200000000,1795200120000,'device-1');
CREATE TABLE audit(
                id bigint primary key, at bigint not null, kind text not null,
                body blob not null, chain blob not null);
INSERT INTO "audit" VALUES(1,1760000000201,'connect.refused',X'7B7D',X'00');
CREATE TABLE channel_state(
                channel text, account text, name text, value blob,
                primary key (channel, account, name));
INSERT INTO "channel_state" VALUES('telegram','default','offset:7',X'3432');
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
CREATE TABLE queue_lane(
                queue text not null, name text not null, due bigint not null,
                depth bigint not null, primary key (queue, name));
INSERT INTO "queue_lane" VALUES('in','agent:main:main',1760000000301,2);
CREATE TABLE queue_letter(
                id integer primary key autoincrement, message_id text not null unique, queue text not null, lane text not null,
                attempts int not null, state text not null, enqueued_at bigint not null,
                died_at bigint not null, reason blob, body blob);
INSERT INTO "queue_letter" VALUES(1,'o-1','out:irc:main','irc:main:#a',3,'unknown',1760000000304,1760000000305,X'616E73776572206C6F7374',X'7B7D');
CREATE TABLE queue_message(
                id integer primary key autoincrement, message_id text not null unique, queue text not null, lane text not null,
                attempts int not null, token bigint not null, interrupted int not null,
                not_before bigint not null, enqueued_at bigint not null,
                failures blob, body blob);
INSERT INTO "queue_message" VALUES(1,'telegram:main:1','in','agent:main:main',2,7,0,0,1760000000301,X'5B5B312C313736303030303030303330322C2274696D6564206F7574225D5D',X'7B7D');
INSERT INTO "queue_message" VALUES(2,'telegram:main:2','in','agent:main:main',0,0,0,0,1760000000303,NULL,X'00FF');
CREATE TABLE queue_seen(message_id text primary key, expires bigint not null);
INSERT INTO "queue_seen" VALUES('telegram:main:1',1760086400301);
INSERT INTO "queue_seen" VALUES('telegram:main:2',1760086400301);
INSERT INTO "queue_seen" VALUES('o-1',1760086400301);
CREATE TABLE queue_state(
                queue text primary key, depth bigint not null, token bigint not null);
INSERT INTO "queue_state" VALUES('in',2,7);
CREATE TABLE route(
                session_key text primary key, body blob not null, at bigint not null);
INSERT INTO "route" VALUES('agent:main:telegram:direct:42',X'7B7D',1760000000400);
CREATE TABLE schema_version(v bigint primary key, at bigint not null);
INSERT INTO "schema_version" VALUES(1,1760000000000);
INSERT INTO "schema_version" VALUES(2,1760000000100);
INSERT INTO "schema_version" VALUES(3,1760000000200);
INSERT INTO "schema_version" VALUES(4,1760000000300);
INSERT INTO "schema_version" VALUES(5,1760000000400);
INSERT INTO "schema_version" VALUES(6,1760000000500);
INSERT INTO "schema_version" VALUES(7,1795200000000);
CREATE TABLE sender(
                channel text, account text, sender_id text, state text, body blob,
                created_at bigint, primary key (channel, account, sender_id));
INSERT INTO "sender" VALUES('telegram','main','123','waiting',X'7B7D',1760000000101);
CREATE TABLE sent(id text primary key, result text, at bigint);
INSERT INTO "sent" VALUES('reply:r1','{"messageId":"101"}',1760000000500);
CREATE TABLE session(
                key text primary key, session_id text not null, agent_id text not null,
                created_at bigint, updated_at bigint, archived int default 0,
                last_seq bigint default 0, settings text not null default '{}');
INSERT INTO "session" VALUES('agent:main:main','7d0f','main',1760000000001,1760000000002,0,2,'{"label":"Müller"}');
INSERT INTO "session" VALUES('agent:main:old','91aa','main',NULL,NULL,1,0,'{}');
CREATE TABLE setting(name text primary key, value blob);
INSERT INTO "setting" VALUES('heartbeats',X'74727565');
CREATE TABLE trace(id integer primary key autoincrement, key text, at bigint, step text, detail text);
INSERT INTO "trace" VALUES(1,'telegram:default:42:7',1760000000400,'received','message');
CREATE TABLE usage(
                id integer primary key autoincrement, run_id text, at bigint, provider text, model text,
                input bigint, output bigint);
INSERT INTO "usage" VALUES(1,'run-1',1760000000003,'embedded','echo',3,4);
CREATE UNIQUE INDEX message_by_message_id on message(message_id);
CREATE INDEX message_by_run on message(run_id);
CREATE INDEX input_by_state on input(state, position);
CREATE INDEX input_by_end on input(ended_at);
CREATE INDEX usage_by_time on usage(at);
CREATE INDEX audit_by_kind on audit(kind, id);
CREATE INDEX audit_by_time on audit(at);
CREATE INDEX queue_lane_by_due on queue_lane(queue, due);
CREATE INDEX queue_message_by_lane on queue_message(queue, lane, id);
CREATE INDEX queue_letter_by_time on queue_letter(died_at);
CREATE INDEX queue_seen_by_time on queue_seen(expires);
CREATE INDEX route_by_time on route(at);
CREATE INDEX sent_by_time on sent(at);
CREATE INDEX trace_by_key on trace(key, id);
CREATE INDEX trace_by_time on trace(at);
CREATE INDEX approval_by_state on approval(state, created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',2);
INSERT INTO "sqlite_sequence" VALUES('usage',2);
INSERT INTO "sqlite_sequence" VALUES('queue_message',2);
INSERT INTO "sqlite_sequence" VALUES('queue_letter',1);
INSERT INTO "sqlite_sequence" VALUES('trace',1);
COMMIT;
