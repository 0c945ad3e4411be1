BEGIN TRANSACTION;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, event TEXT NOT NULL,
    run_id INTEGER NOT NULL, task_id INTEGER, job_id INTEGER, init_user INTEGER, init_org INTEGER,
    image TEXT, digest TEXT, data TEXT, verdict TEXT, reason TEXT, bytes_out INTEGER
);
INSERT INTO "decision" VALUES(1,'2026-11-24T18:41:05.963034+00:00','claimed',15,15,14,2,2,'hanse/summary','sha256:22f1ff0fff4a37d4c9a46f5938ddc879a43cf91405cf5972de3bd8193c1bc4df','["default"]','allowed','the algorithm matches hanse/summary',NULL);
INSERT INTO "decision" VALUES(2,'2026-11-24T18:41:06.014253+00:00','started',15,15,14,2,2,'hanse/summary','sha256:22f1ff0fff4a37d4c9a46f5938ddc879a43cf91405cf5972de3bd8193c1bc4df',NULL,NULL,NULL,NULL);
INSERT INTO "decision" VALUES(3,'2026-11-24T18:41:06.676196+00:00','ended',15,15,14,2,2,'hanse/summary',NULL,NULL,'completed',NULL,160);
INSERT INTO "decision" VALUES(4,'2026-11-24T18:41:06.706162+00:00','delivered',15,15,14,2,2,'hanse/summary',NULL,NULL,'completed',NULL,NULL);
INSERT INTO "decision" VALUES(5,'2026-11-24T18:41:06.876635+00:00','claimed',16,16,15,2,2,'hanse/misbehaving','sha256:77382e03b30ca7881d73b56bff5064db13d09ad1ecdc277b5273508c90d9a416','[]','allowed','the algorithm matches hanse/misbehaving',NULL);
INSERT INTO "decision" VALUES(6,'2026-11-24T18:41:06.932983+00:00','started',16,16,15,2,2,'hanse/misbehaving','sha256:77382e03b30ca7881d73b56bff5064db13d09ad1ecdc277b5273508c90d9a416',NULL,NULL,NULL,NULL);
INSERT INTO "decision" VALUES(7,'2026-11-24T18:41:08.593200+00:00','ended',16,16,15,2,2,'hanse/misbehaving',NULL,NULL,'completed',NULL,12);
CREATE TABLE run (
    run_id INTEGER PRIMARY KEY, phase TEXT NOT NULL, reference TEXT, killed INTEGER NOT NULL,
    status TEXT, note TEXT NOT NULL, facts TEXT
);
INSERT INTO "run" VALUES(15,'delivered','{"state": "@FOLDER@/alpha/engine/runs/15", "pid": 1600, "started": "810348@523c6972"}',0,'completed','',NULL);
INSERT INTO "run" VALUES(16,'sealed','{"state": "@FOLDER@/alpha/engine/runs/16", "pid": 1610, "started": "810440@523c6972"}',0,'completed','','{"run_id": 16, "task_id": 16, "job_id": 15, "image": "hanse/misbehaving", "input": "", "init_org": 2, "init_user": 2, "parent": null, "databases": [], "in_blob_store": false, "collaboration_id": 1, "store_id": null}');
CREATE INDEX decision_run ON decision (run_id);
CREATE TRIGGER decision_is_kept BEFORE DELETE ON decision
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER decision_is_fixed BEFORE UPDATE ON decision
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE INDEX run_open ON run (run_id) WHERE phase <> 'delivered';
CREATE INDEX decision_claim ON decision (job_id, image) WHERE event = 'claimed';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('decision',7);
COMMIT;
PRAGMA user_version=1;
