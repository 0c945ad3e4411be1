BEGIN TRANSACTION;
CREATE TABLE access_token (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	token_hash VARCHAR NOT NULL, 
	owner_version INTEGER NOT NULL, 
	method VARCHAR NOT NULL, 
	has_second_factor BOOLEAN NOT NULL, 
	is_read_only BOOLEAN NOT NULL, 
	rules JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	CONSTRAINT fk_access_token_user_id_identity FOREIGN KEY(user_id) REFERENCES identity (id) ON DELETE CASCADE, 
	CONSTRAINT uq_access_token_token_hash UNIQUE (token_hash)
);
INSERT INTO "access_token" VALUES(1,2,'nightly','5c4271b3f339320bb6f5195b9a2e7fc1c012c4146defad052f734f1db4e34222',0,'password',0,1,'[]','2026-11-24 18:40:58.899139','2036-11-21 18:40:58.899139',NULL);
CREATE TABLE algorithm_store (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	is_for_all BOOLEAN NOT NULL
);
INSERT INTO "algorithm_store" VALUES(1,'Reviewed','http://127.0.0.1:40079/api',0);
CREATE TABLE blob (
	"key" VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	run_id INTEGER, 
	field VARCHAR, 
	uploader_id INTEGER, 
	task_id INTEGER, 
	size BIGINT, 
	digest VARCHAR, 
	created_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	CONSTRAINT pk_blob PRIMARY KEY ("key"), 
	CONSTRAINT fk_blob_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE SET NULL, 
	CONSTRAINT fk_blob_uploader_id_identity FOREIGN KEY(uploader_id) REFERENCES identity (id) ON DELETE SET NULL
);
INSERT INTO "blob" VALUES('80c2f832-39e6-4d91-99c4-b63607332fd6','values',13,'input',2,NULL,6736,'20e2fba9749e2b2985751f71882fba6c3621d00d86ead0996a06c2ff910fb4c1','2026-11-24 18:41:00.469934','2026-11-24 18:41:00.492831');
INSERT INTO "blob" VALUES('e97ae5a7-5b4e-4681-a0e4-3aea5dc56a7d','values',13,'result',6,NULL,6684,'817eb8d6f2b66c4a236b6a3abcf979f501991c82492dd5496d7c2d344ecbdacd','2026-11-24 18:41:00.509773','2026-11-24 18:41:00.516969');
INSERT INTO "blob" VALUES('1ed3b9ab-42ef-49e5-a28f-409ec927997f','blobs',18,'input',2,NULL,56,'bce657b6fa33d359de8809e3276085aa2137d7933f0c8a3882c3b18d91e9e43f','2026-11-24 18:41:10.270106','2026-11-24 18:41:10.310818');
INSERT INTO "blob" VALUES('33ddfbf7-8353-4244-a70a-3c4789bf49f1','blobs',18,'result',6,NULL,6684,'817eb8d6f2b66c4a236b6a3abcf979f501991c82492dd5496d7c2d344ecbdacd','2026-11-24 18:41:10.337868','2026-11-24 18:41:10.356895');
INSERT INTO "blob" VALUES('e3d684ec-b1bf-44ed-8030-f7be646d1b50','blobs',19,'input',2,NULL,88,'b868a21a1f9c5eee69235a1b13fa57c2cddd6591f2549c3e258890ace237fb5a','2026-11-24 18:41:10.375269','2026-11-24 18:41:10.387553');
CREATE TABLE collaboration (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	encrypted BOOLEAN NOT NULL, 
	keep_inputs_days INTEGER, 
	keep_results_days INTEGER, 
	keep_logs_days INTEGER, 
	keep_blobs_days INTEGER, 
	CONSTRAINT uq_collaboration_name UNIQUE (name)
);
INSERT INTO "collaboration" VALUES(1,'open',0,NULL,NULL,3650,NULL);
INSERT INTO "collaboration" VALUES(2,'sealed',1,NULL,NULL,3650,NULL);
CREATE TABLE external_identity (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_id INTEGER NOT NULL, 
	issuer VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	confirmed_at DATETIME, 
	CONSTRAINT fk_external_identity_user_id_identity FOREIGN KEY(user_id) REFERENCES identity (id) ON DELETE CASCADE, 
	CONSTRAINT uq_external_identity_issuer_subject UNIQUE (issuer, subject)
);
INSERT INTO "external_identity" VALUES(1,8,'@ISSUER@','carol','2026-11-24 18:40:59.856634','2026-11-24 18:40:59.858847');
CREATE TABLE external_role (
	identity_id INTEGER NOT NULL, 
	role_id INTEGER NOT NULL, 
	CONSTRAINT pk_external_role PRIMARY KEY (identity_id, role_id), 
	CONSTRAINT fk_external_role_identity_id_external_identity FOREIGN KEY(identity_id) REFERENCES external_identity (id) ON DELETE CASCADE, 
	CONSTRAINT fk_external_role_role_id_role FOREIGN KEY(role_id) REFERENCES role (id) ON DELETE CASCADE
);
INSERT INTO "external_role" VALUES(1,5);
CREATE TABLE hanse_server_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT hanse_server_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "hanse_server_version" VALUES('0001');
CREATE TABLE identity (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	type VARCHAR NOT NULL, 
	ip VARCHAR, 
	status VARCHAR, 
	last_seen DATETIME, 
	token_version INTEGER NOT NULL
);
INSERT INTO "identity" VALUES(1,'user',NULL,NULL,'2026-11-24 18:41:10.491248',0);
INSERT INTO "identity" VALUES(2,'user',NULL,NULL,'2026-11-24 18:41:10.382531',0);
INSERT INTO "identity" VALUES(3,'user',NULL,NULL,NULL,0);
INSERT INTO "identity" VALUES(4,'user',NULL,NULL,NULL,1);
INSERT INTO "identity" VALUES(5,'node',NULL,'online',NULL,0);
INSERT INTO "identity" VALUES(6,'node',NULL,NULL,'2026-11-24 18:41:10.351746',0);
INSERT INTO "identity" VALUES(7,'node',NULL,NULL,NULL,0);
INSERT INTO "identity" VALUES(8,'user',NULL,NULL,NULL,0);
CREATE TABLE job (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT
);
INSERT INTO "job" VALUES(1);
INSERT INTO "job" VALUES(2);
INSERT INTO "job" VALUES(3);
INSERT INTO "job" VALUES(4);
INSERT INTO "job" VALUES(5);
INSERT INTO "job" VALUES(6);
INSERT INTO "job" VALUES(7);
INSERT INTO "job" VALUES(8);
INSERT INTO "job" VALUES(9);
INSERT INTO "job" VALUES(10);
INSERT INTO "job" VALUES(11);
INSERT INTO "job" VALUES(12);
INSERT INTO "job" VALUES(13);
INSERT INTO "job" VALUES(14);
INSERT INTO "job" VALUES(15);
INSERT INTO "job" VALUES(16);
INSERT INTO "job" VALUES(17);
INSERT INTO "job" VALUES(18);
CREATE TABLE known_network (
	user_id INTEGER NOT NULL, 
	network VARCHAR NOT NULL, 
	last_at DATETIME NOT NULL, 
	CONSTRAINT pk_known_network PRIMARY KEY (user_id, network), 
	CONSTRAINT fk_known_network_user_id_user_account FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE
);
INSERT INTO "known_network" VALUES(1,'127.0.0.1','2026-11-24 18:40:57.879575');
INSERT INTO "known_network" VALUES(2,'127.0.0.1','2026-11-24 18:40:58.875248');
INSERT INTO "known_network" VALUES(3,'127.0.0.1','2026-11-24 18:40:59.477363');
CREATE TABLE login_failures (
	purpose VARCHAR NOT NULL, 
	network VARCHAR NOT NULL, 
	account_id INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	last_at DATETIME NOT NULL, 
	CONSTRAINT pk_login_failures PRIMARY KEY (purpose, network, account_id)
);
CREATE TABLE login_session (
	id VARCHAR NOT NULL, 
	identity_id INTEGER NOT NULL, 
	method VARCHAR NOT NULL, 
	has_second_factor BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	generation INTEGER NOT NULL, 
	rotated_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	ip VARCHAR NOT NULL, 
	user_agent VARCHAR NOT NULL, 
	external VARCHAR, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_identity_id_identity FOREIGN KEY(identity_id) REFERENCES identity (id) ON DELETE CASCADE
);
INSERT INTO "login_session" VALUES('41639cab-cc22-45a6-879b-d3ccdd0c742e',1,'password',0,'2026-11-24 18:40:57.886297','2026-11-24 18:40:57.886297','2036-11-21 18:40:57.886297',0,'2026-11-24 18:40:57.886297',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('8104fe24-e809-48d5-9e68-537428f23e09',2,'password',1,'2026-11-24 18:40:58.878561','2026-11-24 18:40:58.878561','2036-11-21 18:40:58.878561',0,'2026-11-24 18:40:58.878561',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('961a2971-62a6-498d-bd0c-d2488c252540',3,'password',0,'2026-11-24 18:40:59.479470','2026-11-24 18:40:59.479470','2036-11-21 18:40:59.479470',0,'2026-11-24 18:40:59.479470',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('9e77a81a-ccb8-4aee-a657-c5acd9b0590b',8,'oidc:hospital',0,'2026-11-24 18:40:59.864597','2026-11-24 18:40:59.864597','2036-11-21 18:40:59.864597',0,'2026-11-24 18:40:59.864597',NULL,'127.0.0.1','hanse-client/0.3.0','1:VXv_XmvfTAPeQF5Hi_SpgfR4WCfT20m1BtGSEqhuc7xXYgUr8qmEQlcbEwY1hY_nt_20KrDe0_vQ4tU2cx7Q0Myosf9zJA6t7PCkjDplXFsPP1AkRQ208eLIUCBJ6MUZfwIPnHB0-4f-F8czXBxeG-lFKM8850sxJf7X4KOGRslezDQJYuDvkOne9wrQq7PL3fG7XgFtn5jtCQFRSiUT2SG3osw4hPdew1KWTGDQWzgbhwnpx1VWFj_h');
INSERT INTO "login_session" VALUES('52b15d6e-af34-4e08-9207-afa7c9601da4',2,'password',1,'2026-11-24 18:41:00.045008','2026-11-24 18:41:00.045008','2036-11-21 18:41:00.045008',0,'2026-11-24 18:41:00.045008',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('87a7e07a-e0a3-49b6-bb78-86421e828ba5',2,'password',1,'2026-11-24 18:41:01.446567','2026-11-24 18:41:01.446567','2036-11-21 18:41:01.446567',0,'2026-11-24 18:41:01.446567',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('c028710c-002f-4064-ab15-b9212547bb14',2,'password',1,'2026-11-24 18:41:07.312706','2026-11-24 18:41:07.371023','2036-11-21 18:41:07.312706',0,'2026-11-24 18:41:07.312706',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('298f733c-d474-4891-9a90-6733e98b2976',2,'password',1,'2026-11-24 18:41:10.223409','2026-11-24 18:41:10.382531','2036-11-21 18:41:10.223409',0,'2026-11-24 18:41:10.223409',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
INSERT INTO "login_session" VALUES('d21b10dc-c77b-4e83-bb04-210c46b4eea5',1,'password',0,'2026-11-24 18:41:10.481034','2026-11-24 18:41:10.491248','2036-11-21 18:41:10.481034',0,'2026-11-24 18:41:10.481034',NULL,'127.0.0.1','hanse-client/0.3.0',NULL);
CREATE TABLE member (
	collaboration_id INTEGER NOT NULL, 
	organization_id INTEGER NOT NULL, 
	CONSTRAINT pk_member PRIMARY KEY (collaboration_id, organization_id), 
	CONSTRAINT fk_member_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE CASCADE, 
	CONSTRAINT fk_member_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE
);
INSERT INTO "member" VALUES(1,2);
INSERT INTO "member" VALUES(1,3);
INSERT INTO "member" VALUES(2,2);
INSERT INTO "member" VALUES(2,3);
CREATE TABLE node (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	api_key_hash VARCHAR, 
	api_key_bcrypt VARCHAR, 
	organization_id INTEGER NOT NULL, 
	collaboration_id INTEGER, 
	CONSTRAINT pk_node PRIMARY KEY (id), 
	CONSTRAINT ck_node_one_key CHECK ((api_key_hash IS NULL) <> (api_key_bcrypt IS NULL)), 
	CONSTRAINT fk_node_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE SET NULL, 
	CONSTRAINT fk_node_id_identity FOREIGN KEY(id) REFERENCES identity (id) ON DELETE CASCADE, 
	CONSTRAINT fk_node_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT uq_node_api_key_hash UNIQUE (api_key_hash), 
	CONSTRAINT uq_node_name UNIQUE (name), 
	CONSTRAINT uq_node_organization_id_collaboration_id UNIQUE (organization_id, collaboration_id)
);
INSERT INTO "node" VALUES(5,'alpha','61ad4299711b85c93eeb2325fe01ba9d8bf7d0879452882d6792861afe12a4e0',NULL,2,1);
INSERT INTO "node" VALUES(6,'beta','aa080f761b49b1149c31bdfc709d74009eeea75925b845d2131194844e6d3224',NULL,3,1);
INSERT INTO "node" VALUES(7,'sealed','769e8b274ebfb36f0640d6218af17a5b1a321764e9d46d7d7675852d1de99658',NULL,2,2);
CREATE TABLE node_setting (
	id INTEGER NOT NULL, 
	node_id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_node_setting PRIMARY KEY (id), 
	CONSTRAINT fk_node_setting_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE CASCADE
);
INSERT INTO "node_setting" VALUES(1,5,'encryption','false');
INSERT INTO "node_setting" VALUES(2,5,'database_labels','default');
INSERT INTO "node_setting" VALUES(3,5,'db_type_default','csv');
INSERT INTO "node_setting" VALUES(4,5,'columns_default','age');
INSERT INTO "node_setting" VALUES(5,5,'columns_default','sex');
INSERT INTO "node_setting" VALUES(6,5,'allowed_algorithms','hanse/summary');
INSERT INTO "node_setting" VALUES(7,5,'allowed_algorithms','hanse/misbehaving');
CREATE TABLE organization (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	domain VARCHAR NOT NULL, 
	address1 VARCHAR NOT NULL, 
	address2 VARCHAR, 
	zipcode VARCHAR NOT NULL, 
	country VARCHAR NOT NULL, 
	public_key VARCHAR NOT NULL, 
	two_factor_required BOOLEAN NOT NULL, 
	CONSTRAINT uq_organization_name UNIQUE (name)
);
INSERT INTO "organization" VALUES(1,'root','','',NULL,'','','',0);
INSERT INTO "organization" VALUES(2,'alpha','','',NULL,'','','LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQ0lqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FnOEFNSUlDQ2dLQ0FnRUFneEVDQ2gzaC9DVFhRZjdzL2IwSApjWUdMOFZtaURRNEwzQTJnTHdFdThzakM4dnBRS0hEbGJ3N1VRRnNMcWlQZTliZkY2TnhGOXpVR2FTbWVLMUtaCmVZSTdzeldhcmN1ZzhEcU1NV2lpMjBNT0JJYzRWbDNYWWpUQmpFTloyZ2VpYks3TlhJTjdYc3NIeVRtN0Zad24KQlMvUW9nUTArZDIvb3Ftd3BYa0czMm55L2NDY2lmOHpTRUF2U0w2RFgrUmVIRktWcmtWdHJidmk2Q0NSMTNhWgpnNTc3cEpkMXFOemJNcWxpNElBTlNGaXBWblZyR2VMbldGMGJzZmVEam5PV2p5NVFaWjE0M1NxbHJQTGZYb0hXCkZHd2YyTGZXQVM4NmROSGkzMkFDdEJSdjR2Yk4vYlZ3QWwzU05ld3c5WXFBZ0RGVlFIaFptYlhXM0VwUWVmUFgKbStkRjBFdXl4czNVc3I4bmlnbjYrSFFmbVBvamVwT1lTa3FGWW5NcmxidjQ3SmxUT3FTbHNydWphalZiQkxKTQpUbjYvTVBZSUtZY1dXcmdqeGhpSTVpY1V6cUU4NldHM0s2Y1hOYXJDVjBBNmtyWERxUHZJOTRBeHIrK3UvYkdsCi9wN3JudnE4WTdtOUtpbmpmQ3RlSGFueHJBOFkxUUVkS3VtUFJFZVBnWXkrRWN2Y1dLRjdTUjZFRDBzdG1VTFYKOE9XS3lPaWd1dFRGRXdIQ2gyOWk1eEpYck52YUd3M29HZnlYaXhFK3h0VEV6SURIbUEvUEV6RlhxdjZiU0lHZwpFNEdwWmg2TzQ2RndNaFcwSVltaldIMDk1b0ZIT3d2VmdhUk5wcU9ES2FHMjBrdkhXNnVyL3pXVGh2dmtrQUtzCkNONk9vVm9XdTRyT2REZXU3M2c3K0ZrQ0F3RUFBUT09Ci0tLS0tRU5EIFBVQkxJQyBLRVktLS0tLQo=',0);
INSERT INTO "organization" VALUES(3,'beta','','',NULL,'','','',0);
INSERT INTO "organization" VALUES(4,'guest','','',NULL,'','','',0);
CREATE TABLE organization_invitation (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	collaboration_id INTEGER NOT NULL, 
	organization_name VARCHAR NOT NULL, 
	organization_id INTEGER, 
	inviter_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	mailed_at DATETIME, 
	CONSTRAINT fk_organization_invitation_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE CASCADE, 
	CONSTRAINT fk_organization_invitation_inviter_id_user_account FOREIGN KEY(inviter_id) REFERENCES user_account (id) ON DELETE CASCADE, 
	CONSTRAINT fk_organization_invitation_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT uq_organization_invitation_collaboration_id_organization_name UNIQUE (collaboration_id, organization_name)
);
INSERT INTO "organization_invitation" VALUES(1,1,'guest',4,1,'pending','2026-11-24 18:40:58.393991','2036-11-21 18:40:58.393991','2026-11-24 18:40:58.393991');
CREATE TABLE outbox_event (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	data JSON NOT NULL, 
	rooms JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_outbox_event PRIMARY KEY (id)
);
INSERT INTO "outbox_event" VALUES(1,'identity_revoked','{"id": 4}','[]','2026-11-24 18:41:12.205425');
CREATE TABLE queued_mail (
	id INTEGER NOT NULL, 
	sealed VARCHAR NOT NULL, 
	due_at DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	CONSTRAINT pk_queued_mail PRIMARY KEY (id)
);
INSERT INTO "queued_mail" VALUES(1,'1:Qt6diK2X2bj6gYOFEwnj7gt4pYnOoHpWXsYWfKNxVcr9IbANvxXWIsibzdxKvhaUs-j5A1DEPb-E-NpQ5pYcIXpHo13nOpYo370OZoWW0rFEz894a9sGQpEgRS_4J55iZqP3GisBnOguF4mRwBcBwFvt4X6tNX7NsqcF_5DMvw4jvsfc6W2_x00_1CdnoTI8CDS9YkVeJtUW4S_-zKDjytrN6lfimZUfBiJFNpQHIeCh3kYJzv3saewj6NU8XHi49ULV_hEw60X5-GuShedYE0r5R5dC1AGZ7jIjFXxrdk593a3kEnmFlC-lGZ2wU7wk9Os0UY_hNyVS-fpv0DyXay52Z1NKY6IYh2G3pelF9iojiUtt3e1vSAtZ39866p29S3dvPfDIwM_hLa4AtHY6NxDQQ2GYsDPFAnsmlZYqUmMX6BgZbZz51hYYc-S0OpktJXmVplko736G_w-TLSsm1zNYp0xkWps44OZ-2HcbP2MxTiKKNGFTtK4EqoiJkxLJmT-AaBddyuygth_FDGKzvnlk0PyDWOnpkAYpmD6qGYyMIDeBcJycLrsmxhHaUPft2R08vMrsNyEd20F2h1_jPgpBS4XgBLUTcirb5FRv3mcYY66-rlHp2JW1bC24DjY_OOuMZfILl-VobZ_74PKy1Cptj2Ma8rDjgPqnilLbHuG5C9ypfHa4fa0g1igBpm6SC_EjjIVa-xG8bDSaBZRlENbSFSQSi3fetTtd2rl8zsK2Gkzttat8EbYyW40J4xdLznNooCI4_ZGF8iF86agY4ZverXZ64BhzEOWTpeyY6DcNeIvRyFCpSpwdv5_IKz3FWtf_WW6UhNIzOn50j3Q1yOelw7Hkswz7VsuZoLRgHwji4nQL9d2Lb7Hvo6BGEdXg88ORTamPDzq53cunbXhgQKAPQC9IShUdtYOudAgLHfIXK27mNlnGvcV9yDesY37QyqL3GHfhzwa1IeNG0sZ1Zdwfvui3fr2pBJqZqBT09UscyH74AiLQ3a6Il1APSGk6mZLQrswiVFjBvRU5FGrqoYK9jUS9DUOVUaOvGE4g5eEHbaGoOVkDIqQxpcS_EMlqtHnsG5-H3V0MRYw0XyDIuKjHAal63_DhjcBzzxKmFAd9KrocZuRUvEpmIND1oq-N_77u-griSdXr0copBRTJcmyVWaTWOYGQvVf03psP03ejYH9cm8Mc8R09e0tcNiC2RnA_lLAmey1orYe1o9Yrkc1DSbh3QP3H0tFerTMChDRvCGVEZ9MK9j7ZVxU5mt5gxqK-RqDH1m5ONByQYwvUXxd9WBqAT5fCjlhOETRDymcZB3HCQSBqbXfyES0SLIVGPllGTxW1SpDIrM5xXj5aZHWPdAWPfVucez3j-uScKAael1lbfsYPDtFZ6B2hU2yKDfyzYgQv98N3eELRZX4QNAdYLF_74842a1DrhhGcXkp8Cg==','2026-11-24 18:41:28.416376','2036-11-21 18:40:58.365984',1);
INSERT INTO "queued_mail" VALUES(2,'1:oq8KAMBOwfmjyfb9VNoPU_iAY8pNFh5QkXeErc7hsHKznkYOOLnSqZ8gr8gMWE2klN6_s47MMKCFVgAZk_Dv6WTwfu9ruu1-bdTwBArXGXRHmUfPRAsOHIreqzHSIf8TzXpSPUJmSLOtFGcJ_tYcmbBKMIrIpvnMc48hh4ElsuuQbc4cqF8_5lcwooq-7DoJJJLHY5zD1_afNtJsgV3Slq8y9i9NI48HPVlNq74OhMl7havkbpt1I-1Wrm16uVkTAwftZRxHHmg9VhmBZXbcJknVMMAmueDRbhOBz2NkFYxprWpIBUFvXmDnX0_GgBRaZlsSHkqLSgLhOh62KifAWgKyTOivP41Pd-HXh_GKLNWvlJVveOhDCRAa4_m3KtNylkqe17jb5AjetZE_zWOw86xfveurt5-y4tEZ56SDAmLI2w52v6EqAN1nww1seSvcCqJr77YklnzvHOei7EWtnCPEnQNZgGS0O85hYC71Ut8hDpr2U6syZZbQm77t1nap02OXXAPmiVcLmvjxE_9L_hpA7A1pkdL8FJB2b8ylJAgwxv92TUXbwvncCOSUB-_Xf8g7mM74QmyWI3Ur7HeZYpNu5a4q18BPLLbiR9ceBd5jiNkEgZSUULTPVVLkwrz6BOPsxTvXCDmXZPJNmkoz6Kytp7RaC5tq3ETw1OsvBEuOkoofhFoSV1X8mUuCbTsMaehI0IjLRg2KGiETxVjX42Ft-hVtgknGt6SfyT8YNWnw6PIbQNUphHV0pGiFCnDX-Ltzivx_IcDodDf_PnEs65Ga2QzWU_LVI0Hr6rjQPqoOvRMba5jdOiQODs6VSAk-0AQxPbgFrbKB0tvtHLhELO8yylalWtE06RK7FehqHK0SNGUEunYpF16XFHNBXU90w6pWAakdrQt-OrpF58vcat3u4IaHtNAXlyMbMmVvtXpia7UylvQABk-X_I18gANNJoYFRjIQ_goLPH4yu8IeeCTGWLD8kDChJWdZRiwEhDYbgyONcEqVDvrUDH6NbcmOZXo5oT5DT8bzzbXGYQm5SnDYhOScjHWSspaVpIthKitAdEYANfHP-L-qQFXPzDwFgpelegdjLZOyQnyWgOIRgnlosucd','2026-11-24 18:41:28.983798','2026-11-25 18:40:58.972192',1);
CREATE TABLE recovery_code (
	user_id INTEGER NOT NULL, 
	code_hash VARCHAR NOT NULL, 
	CONSTRAINT pk_recovery_code PRIMARY KEY (user_id, code_hash), 
	CONSTRAINT fk_recovery_code_user_id_user_account FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE
);
INSERT INTO "recovery_code" VALUES(2,'fb16ba9a146031634988193ca176f895b0e7dca5293559104074f9439402d3da');
INSERT INTO "recovery_code" VALUES(2,'856b8754eaf0f2d8054c94d27b1b6956bf9137a6f63e8d84d71d8d1630630866');
INSERT INTO "recovery_code" VALUES(2,'204f63f2dba1d42038d30bf18455c21a32268349c73f88cf1e38aca452766f71');
INSERT INTO "recovery_code" VALUES(2,'f44a5cbb8b0a2472c5de7f31df9ac8f812de3cccfeebcd3128a9d1d31b443712');
INSERT INTO "recovery_code" VALUES(2,'fb2aadea9b2908649797f03df6b062bb69947a94d996a8add8c5d8b0f25e0828');
INSERT INTO "recovery_code" VALUES(2,'aca472ddd709788b19df90999ed2ba6da9055e4896f6bbc5dd44231bb1767741');
CREATE TABLE recovery_token (
	user_id INTEGER NOT NULL, 
	purpose VARCHAR NOT NULL, 
	token_hash VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_recovery_token PRIMARY KEY (user_id, purpose), 
	CONSTRAINT fk_recovery_token_user_id_user_account FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE, 
	CONSTRAINT uq_recovery_token_token_hash UNIQUE (token_hash)
);
CREATE TABLE role (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	organization_id INTEGER, 
	is_default_role BOOLEAN NOT NULL, 
	CONSTRAINT fk_role_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT uq_role_organization_id_name UNIQUE (organization_id, name)
);
INSERT INTO "role" VALUES(1,'Root','May do everything, everywhere',NULL,1);
INSERT INTO "role" VALUES(2,'container','What an algorithm container may do',NULL,1);
INSERT INTO "role" VALUES(3,'node','What a node may do',NULL,1);
INSERT INTO "role" VALUES(4,'Viewer','May look at the own organization and its collaborations',NULL,1);
INSERT INTO "role" VALUES(5,'Researcher','May also run analyses',NULL,1);
INSERT INTO "role" VALUES(6,'Organization Admin','May manage the own organization, its users and nodes',NULL,1);
INSERT INTO "role" VALUES(7,'Collaboration Admin','May also manage the collaboration',NULL,1);
INSERT INTO "role" VALUES(8,'Curator','',2,0);
CREATE TABLE role_rule (
	role_id INTEGER NOT NULL, 
	rule_id INTEGER NOT NULL, 
	CONSTRAINT pk_role_rule PRIMARY KEY (role_id, rule_id), 
	CONSTRAINT fk_role_rule_role_id_role FOREIGN KEY(role_id) REFERENCES role (id) ON DELETE CASCADE, 
	CONSTRAINT fk_role_rule_rule_id_rule FOREIGN KEY(rule_id) REFERENCES rule (id) ON DELETE CASCADE
);
INSERT INTO "role_rule" VALUES(8,28);
INSERT INTO "role_rule" VALUES(8,29);
INSERT INTO "role_rule" VALUES(1,33);
INSERT INTO "role_rule" VALUES(1,69);
INSERT INTO "role_rule" VALUES(1,44);
INSERT INTO "role_rule" VALUES(1,81);
INSERT INTO "role_rule" VALUES(1,67);
INSERT INTO "role_rule" VALUES(1,63);
INSERT INTO "role_rule" VALUES(1,68);
INSERT INTO "role_rule" VALUES(1,78);
INSERT INTO "role_rule" VALUES(1,3);
INSERT INTO "role_rule" VALUES(1,51);
INSERT INTO "role_rule" VALUES(1,79);
INSERT INTO "role_rule" VALUES(1,82);
INSERT INTO "role_rule" VALUES(1,5);
INSERT INTO "role_rule" VALUES(1,1);
INSERT INTO "role_rule" VALUES(1,54);
INSERT INTO "role_rule" VALUES(1,12);
INSERT INTO "role_rule" VALUES(1,38);
INSERT INTO "role_rule" VALUES(1,10);
INSERT INTO "role_rule" VALUES(1,48);
INSERT INTO "role_rule" VALUES(1,22);
INSERT INTO "role_rule" VALUES(1,24);
INSERT INTO "role_rule" VALUES(1,58);
INSERT INTO "role_rule" VALUES(1,23);
INSERT INTO "role_rule" VALUES(1,31);
INSERT INTO "role_rule" VALUES(1,26);
INSERT INTO "role_rule" VALUES(1,71);
INSERT INTO "role_rule" VALUES(1,56);
INSERT INTO "role_rule" VALUES(1,15);
INSERT INTO "role_rule" VALUES(1,17);
INSERT INTO "role_rule" VALUES(1,60);
INSERT INTO "role_rule" VALUES(1,32);
INSERT INTO "role_rule" VALUES(1,49);
INSERT INTO "role_rule" VALUES(1,46);
INSERT INTO "role_rule" VALUES(1,73);
INSERT INTO "role_rule" VALUES(1,37);
INSERT INTO "role_rule" VALUES(1,19);
INSERT INTO "role_rule" VALUES(1,65);
INSERT INTO "role_rule" VALUES(1,8);
INSERT INTO "role_rule" VALUES(1,77);
INSERT INTO "role_rule" VALUES(1,35);
INSERT INTO "role_rule" VALUES(1,40);
INSERT INTO "role_rule" VALUES(1,86);
INSERT INTO "role_rule" VALUES(1,80);
INSERT INTO "role_rule" VALUES(1,6);
INSERT INTO "role_rule" VALUES(1,45);
INSERT INTO "role_rule" VALUES(1,55);
INSERT INTO "role_rule" VALUES(1,84);
INSERT INTO "role_rule" VALUES(1,39);
INSERT INTO "role_rule" VALUES(1,21);
INSERT INTO "role_rule" VALUES(1,29);
INSERT INTO "role_rule" VALUES(1,20);
INSERT INTO "role_rule" VALUES(1,13);
INSERT INTO "role_rule" VALUES(1,64);
INSERT INTO "role_rule" VALUES(1,70);
INSERT INTO "role_rule" VALUES(1,57);
INSERT INTO "role_rule" VALUES(1,75);
INSERT INTO "role_rule" VALUES(1,28);
INSERT INTO "role_rule" VALUES(1,43);
INSERT INTO "role_rule" VALUES(1,62);
INSERT INTO "role_rule" VALUES(1,27);
INSERT INTO "role_rule" VALUES(1,72);
INSERT INTO "role_rule" VALUES(1,76);
INSERT INTO "role_rule" VALUES(1,2);
INSERT INTO "role_rule" VALUES(1,18);
INSERT INTO "role_rule" VALUES(1,50);
INSERT INTO "role_rule" VALUES(1,47);
INSERT INTO "role_rule" VALUES(1,83);
INSERT INTO "role_rule" VALUES(1,66);
INSERT INTO "role_rule" VALUES(1,9);
INSERT INTO "role_rule" VALUES(1,34);
INSERT INTO "role_rule" VALUES(1,53);
INSERT INTO "role_rule" VALUES(1,11);
INSERT INTO "role_rule" VALUES(1,4);
INSERT INTO "role_rule" VALUES(1,7);
INSERT INTO "role_rule" VALUES(1,41);
INSERT INTO "role_rule" VALUES(1,42);
INSERT INTO "role_rule" VALUES(1,25);
INSERT INTO "role_rule" VALUES(1,85);
INSERT INTO "role_rule" VALUES(1,52);
INSERT INTO "role_rule" VALUES(1,61);
INSERT INTO "role_rule" VALUES(1,30);
INSERT INTO "role_rule" VALUES(1,14);
INSERT INTO "role_rule" VALUES(1,16);
INSERT INTO "role_rule" VALUES(1,59);
INSERT INTO "role_rule" VALUES(1,74);
INSERT INTO "role_rule" VALUES(1,36);
INSERT INTO "role_rule" VALUES(2,39);
INSERT INTO "role_rule" VALUES(2,3);
INSERT INTO "role_rule" VALUES(2,69);
INSERT INTO "role_rule" VALUES(2,77);
INSERT INTO "role_rule" VALUES(2,21);
INSERT INTO "role_rule" VALUES(2,22);
INSERT INTO "role_rule" VALUES(2,29);
INSERT INTO "role_rule" VALUES(2,14);
INSERT INTO "role_rule" VALUES(3,39);
INSERT INTO "role_rule" VALUES(3,24);
INSERT INTO "role_rule" VALUES(3,3);
INSERT INTO "role_rule" VALUES(3,69);
INSERT INTO "role_rule" VALUES(3,77);
INSERT INTO "role_rule" VALUES(3,21);
INSERT INTO "role_rule" VALUES(3,22);
INSERT INTO "role_rule" VALUES(3,29);
INSERT INTO "role_rule" VALUES(3,6);
INSERT INTO "role_rule" VALUES(3,14);
INSERT INTO "role_rule" VALUES(4,39);
INSERT INTO "role_rule" VALUES(4,55);
INSERT INTO "role_rule" VALUES(4,58);
INSERT INTO "role_rule" VALUES(4,3);
INSERT INTO "role_rule" VALUES(4,69);
INSERT INTO "role_rule" VALUES(4,51);
INSERT INTO "role_rule" VALUES(4,21);
INSERT INTO "role_rule" VALUES(4,2);
INSERT INTO "role_rule" VALUES(4,77);
INSERT INTO "role_rule" VALUES(4,22);
INSERT INTO "role_rule" VALUES(4,70);
INSERT INTO "role_rule" VALUES(4,29);
INSERT INTO "role_rule" VALUES(4,44);
INSERT INTO "role_rule" VALUES(4,71);
INSERT INTO "role_rule" VALUES(4,14);
INSERT INTO "role_rule" VALUES(5,39);
INSERT INTO "role_rule" VALUES(5,55);
INSERT INTO "role_rule" VALUES(5,33);
INSERT INTO "role_rule" VALUES(5,58);
INSERT INTO "role_rule" VALUES(5,3);
INSERT INTO "role_rule" VALUES(5,69);
INSERT INTO "role_rule" VALUES(5,51);
INSERT INTO "role_rule" VALUES(5,21);
INSERT INTO "role_rule" VALUES(5,2);
INSERT INTO "role_rule" VALUES(5,77);
INSERT INTO "role_rule" VALUES(5,22);
INSERT INTO "role_rule" VALUES(5,70);
INSERT INTO "role_rule" VALUES(5,29);
INSERT INTO "role_rule" VALUES(5,44);
INSERT INTO "role_rule" VALUES(5,71);
INSERT INTO "role_rule" VALUES(5,14);
INSERT INTO "role_rule" VALUES(5,36);
INSERT INTO "role_rule" VALUES(6,55);
INSERT INTO "role_rule" VALUES(6,24);
INSERT INTO "role_rule" VALUES(6,58);
INSERT INTO "role_rule" VALUES(6,69);
INSERT INTO "role_rule" VALUES(6,71);
INSERT INTO "role_rule" VALUES(6,44);
INSERT INTO "role_rule" VALUES(6,39);
INSERT INTO "role_rule" VALUES(6,67);
INSERT INTO "role_rule" VALUES(6,3);
INSERT INTO "role_rule" VALUES(6,51);
INSERT INTO "role_rule" VALUES(6,21);
INSERT INTO "role_rule" VALUES(6,29);
INSERT INTO "role_rule" VALUES(6,73);
INSERT INTO "role_rule" VALUES(6,54);
INSERT INTO "role_rule" VALUES(6,77);
INSERT INTO "role_rule" VALUES(6,64);
INSERT INTO "role_rule" VALUES(6,70);
INSERT INTO "role_rule" VALUES(6,61);
INSERT INTO "role_rule" VALUES(6,14);
INSERT INTO "role_rule" VALUES(6,2);
INSERT INTO "role_rule" VALUES(6,50);
INSERT INTO "role_rule" VALUES(6,22);
INSERT INTO "role_rule" VALUES(6,47);
INSERT INTO "role_rule" VALUES(6,6);
INSERT INTO "role_rule" VALUES(6,9);
INSERT INTO "role_rule" VALUES(7,55);
INSERT INTO "role_rule" VALUES(7,24);
INSERT INTO "role_rule" VALUES(7,33);
INSERT INTO "role_rule" VALUES(7,58);
INSERT INTO "role_rule" VALUES(7,69);
INSERT INTO "role_rule" VALUES(7,11);
INSERT INTO "role_rule" VALUES(7,71);
INSERT INTO "role_rule" VALUES(7,44);
INSERT INTO "role_rule" VALUES(7,39);
INSERT INTO "role_rule" VALUES(7,67);
INSERT INTO "role_rule" VALUES(7,78);
INSERT INTO "role_rule" VALUES(7,3);
INSERT INTO "role_rule" VALUES(7,51);
INSERT INTO "role_rule" VALUES(7,21);
INSERT INTO "role_rule" VALUES(7,49);
INSERT INTO "role_rule" VALUES(7,29);
INSERT INTO "role_rule" VALUES(7,46);
INSERT INTO "role_rule" VALUES(7,73);
INSERT INTO "role_rule" VALUES(7,8);
INSERT INTO "role_rule" VALUES(7,54);
INSERT INTO "role_rule" VALUES(7,25);
INSERT INTO "role_rule" VALUES(7,20);
INSERT INTO "role_rule" VALUES(7,85);
INSERT INTO "role_rule" VALUES(7,77);
INSERT INTO "role_rule" VALUES(7,64);
INSERT INTO "role_rule" VALUES(7,70);
INSERT INTO "role_rule" VALUES(7,61);
INSERT INTO "role_rule" VALUES(7,57);
INSERT INTO "role_rule" VALUES(7,14);
INSERT INTO "role_rule" VALUES(7,43);
INSERT INTO "role_rule" VALUES(7,16);
INSERT INTO "role_rule" VALUES(7,2);
INSERT INTO "role_rule" VALUES(7,50);
INSERT INTO "role_rule" VALUES(7,22);
INSERT INTO "role_rule" VALUES(7,47);
INSERT INTO "role_rule" VALUES(7,80);
INSERT INTO "role_rule" VALUES(7,6);
INSERT INTO "role_rule" VALUES(7,36);
INSERT INTO "role_rule" VALUES(7,83);
INSERT INTO "role_rule" VALUES(7,74);
INSERT INTO "role_rule" VALUES(7,9);
CREATE TABLE rule (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	scope INTEGER NOT NULL, 
	operation VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	CONSTRAINT pk_rule PRIMARY KEY (id), 
	CONSTRAINT uq_rule_name_scope_operation UNIQUE (name, scope, operation)
);
INSERT INTO "rule" VALUES(1,'node',4,'v','View nodes of everybody');
INSERT INTO "rule" VALUES(2,'node',3,'v','View nodes of the organizations one collaborates with');
INSERT INTO "rule" VALUES(3,'node',2,'v','View nodes of one''s own organization');
INSERT INTO "rule" VALUES(4,'node',4,'e','Edit nodes of everybody');
INSERT INTO "rule" VALUES(5,'node',3,'e','Edit nodes of the organizations one collaborates with');
INSERT INTO "rule" VALUES(6,'node',2,'e','Edit nodes of one''s own organization');
INSERT INTO "rule" VALUES(7,'node',4,'c','Create nodes of everybody');
INSERT INTO "rule" VALUES(8,'node',3,'c','Create nodes of the organizations one collaborates with');
INSERT INTO "rule" VALUES(9,'node',2,'c','Create nodes of one''s own organization');
INSERT INTO "rule" VALUES(10,'node',4,'d','Delete nodes of everybody');
INSERT INTO "rule" VALUES(11,'node',3,'d','Delete nodes of the organizations one collaborates with');
INSERT INTO "rule" VALUES(12,'node',2,'d','Delete nodes of one''s own organization');
INSERT INTO "rule" VALUES(13,'collaboration',4,'v','View collaborations of everybody');
INSERT INTO "rule" VALUES(14,'collaboration',2,'v','View collaborations of one''s own organization');
INSERT INTO "rule" VALUES(15,'collaboration',4,'e','Edit collaborations of everybody');
INSERT INTO "rule" VALUES(16,'collaboration',3,'e','Edit collaborations of the organizations one collaborates with');
INSERT INTO "rule" VALUES(17,'collaboration',4,'c','Create collaborations of everybody');
INSERT INTO "rule" VALUES(18,'collaboration',4,'d','Delete collaborations of everybody');
INSERT INTO "rule" VALUES(19,'collaboration',3,'d','Delete collaborations of the organizations one collaborates with');
INSERT INTO "rule" VALUES(20,'organization',4,'v','View organizations of everybody');
INSERT INTO "rule" VALUES(21,'organization',2,'v','View organizations of one''s own organization');
INSERT INTO "rule" VALUES(22,'organization',3,'v','View organizations of the organizations one collaborates with');
INSERT INTO "rule" VALUES(23,'organization',4,'e','Edit organizations of everybody');
INSERT INTO "rule" VALUES(24,'organization',2,'e','Edit organizations of one''s own organization');
INSERT INTO "rule" VALUES(25,'organization',3,'e','Edit organizations of the organizations one collaborates with');
INSERT INTO "rule" VALUES(26,'organization',4,'c','Create organizations of everybody');
INSERT INTO "rule" VALUES(27,'organization',4,'d','Delete organizations of everybody');
INSERT INTO "rule" VALUES(28,'task',4,'v','View tasks of everybody');
INSERT INTO "rule" VALUES(29,'task',3,'v','View tasks of the organizations one collaborates with');
INSERT INTO "rule" VALUES(30,'task',2,'v','View tasks of one''s own organization');
INSERT INTO "rule" VALUES(31,'task',1,'v','View tasks of one''s own');
INSERT INTO "rule" VALUES(32,'task',4,'c','Create tasks of everybody');
INSERT INTO "rule" VALUES(33,'task',3,'c','Create tasks of the organizations one collaborates with');
INSERT INTO "rule" VALUES(34,'task',4,'d','Delete tasks of everybody');
INSERT INTO "rule" VALUES(35,'task',3,'d','Delete tasks of the organizations one collaborates with');
INSERT INTO "rule" VALUES(36,'task',2,'d','Delete tasks of one''s own organization');
INSERT INTO "rule" VALUES(37,'task',1,'d','Delete tasks of one''s own');
INSERT INTO "rule" VALUES(38,'run',4,'v','View runs of everybody');
INSERT INTO "rule" VALUES(39,'run',3,'v','View runs of the organizations one collaborates with');
INSERT INTO "rule" VALUES(40,'run',2,'v','View runs of one''s own organization');
INSERT INTO "rule" VALUES(41,'run',1,'v','View runs of one''s own');
INSERT INTO "rule" VALUES(42,'user',4,'v','View users of everybody');
INSERT INTO "rule" VALUES(43,'user',3,'v','View users of the organizations one collaborates with');
INSERT INTO "rule" VALUES(44,'user',2,'v','View users of one''s own organization');
INSERT INTO "rule" VALUES(45,'user',4,'c','Create users of everybody');
INSERT INTO "rule" VALUES(46,'user',3,'c','Create users of the organizations one collaborates with');
INSERT INTO "rule" VALUES(47,'user',2,'c','Create users of one''s own organization');
INSERT INTO "rule" VALUES(48,'user',4,'e','Edit users of everybody');
INSERT INTO "rule" VALUES(49,'user',3,'e','Edit users of the organizations one collaborates with');
INSERT INTO "rule" VALUES(50,'user',2,'e','Edit users of one''s own organization');
INSERT INTO "rule" VALUES(51,'user',1,'e','Edit users of one''s own');
INSERT INTO "rule" VALUES(52,'user',4,'d','Delete users of everybody');
INSERT INTO "rule" VALUES(53,'user',3,'d','Delete users of the organizations one collaborates with');
INSERT INTO "rule" VALUES(54,'user',2,'d','Delete users of one''s own organization');
INSERT INTO "rule" VALUES(55,'user',1,'d','Delete users of one''s own');
INSERT INTO "rule" VALUES(56,'role',4,'v','View roles of everybody');
INSERT INTO "rule" VALUES(57,'role',3,'v','View roles of the organizations one collaborates with');
INSERT INTO "rule" VALUES(58,'role',2,'v','View roles of one''s own organization');
INSERT INTO "rule" VALUES(59,'role',4,'c','Create roles of everybody');
INSERT INTO "rule" VALUES(60,'role',3,'c','Create roles of the organizations one collaborates with');
INSERT INTO "rule" VALUES(61,'role',2,'c','Create roles of one''s own organization');
INSERT INTO "rule" VALUES(62,'role',4,'e','Edit roles of everybody');
INSERT INTO "rule" VALUES(63,'role',3,'e','Edit roles of the organizations one collaborates with');
INSERT INTO "rule" VALUES(64,'role',2,'e','Edit roles of one''s own organization');
INSERT INTO "rule" VALUES(65,'role',4,'d','Delete roles of everybody');
INSERT INTO "rule" VALUES(66,'role',3,'d','Delete roles of the organizations one collaborates with');
INSERT INTO "rule" VALUES(67,'role',2,'d','Delete roles of one''s own organization');
INSERT INTO "rule" VALUES(68,'port',4,'v','View ports of everybody');
INSERT INTO "rule" VALUES(69,'port',2,'v','View ports of one''s own organization');
INSERT INTO "rule" VALUES(70,'event',2,'r','Receive events of one''s own organization');
INSERT INTO "rule" VALUES(71,'event',3,'r','Receive events of the organizations one collaborates with');
INSERT INTO "rule" VALUES(72,'event',4,'r','Receive events of everybody');
INSERT INTO "rule" VALUES(73,'event',2,'s','Send events of one''s own organization');
INSERT INTO "rule" VALUES(74,'event',3,'s','Send events of the organizations one collaborates with');
INSERT INTO "rule" VALUES(75,'event',4,'s','Send events of everybody');
INSERT INTO "rule" VALUES(76,'study',4,'v','View studys of everybody');
INSERT INTO "rule" VALUES(77,'study',2,'v','View studys of one''s own organization');
INSERT INTO "rule" VALUES(78,'study',3,'v','View studys of the organizations one collaborates with');
INSERT INTO "rule" VALUES(79,'study',4,'e','Edit studys of everybody');
INSERT INTO "rule" VALUES(80,'study',3,'e','Edit studys of the organizations one collaborates with');
INSERT INTO "rule" VALUES(81,'study',2,'e','Edit studys of one''s own organization');
INSERT INTO "rule" VALUES(82,'study',4,'c','Create studys of everybody');
INSERT INTO "rule" VALUES(83,'study',3,'c','Create studys of the organizations one collaborates with');
INSERT INTO "rule" VALUES(84,'study',4,'d','Delete studys of everybody');
INSERT INTO "rule" VALUES(85,'study',3,'d','Delete studys of the organizations one collaborates with');
INSERT INTO "rule" VALUES(86,'study',2,'d','Delete studys of one''s own organization');
CREATE TABLE run (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	task_id INTEGER NOT NULL, 
	organization_id INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	assigned_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	cleanup_at DATETIME, 
	blob_storage_used BOOLEAN NOT NULL, 
	input TEXT, 
	result TEXT, 
	log TEXT, 
	input_key VARCHAR, 
	result_key VARCHAR, 
	CONSTRAINT fk_run_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_task_id_task FOREIGN KEY(task_id) REFERENCES task (id) ON DELETE CASCADE
);
INSERT INTO "run" VALUES(1,1,3,'pending',0,'2026-11-24 18:41:00.088239',NULL,NULL,NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(2,2,3,'pending',0,'2026-11-24 18:41:00.124445',NULL,NULL,NULL,0,'eyJtZXRob2QiOiAicGFydGlhbCJ9',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(3,3,3,'initializing',1,'2026-11-24 18:41:00.141902','2026-01-02 03:04:05.000006',NULL,NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is initializing',NULL,NULL);
INSERT INTO "run" VALUES(4,4,3,'active',1,'2026-11-24 18:41:00.194924','2026-01-02 03:04:05.000006',NULL,NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is active',NULL,NULL);
INSERT INTO "run" VALUES(5,5,3,'completed',1,'2026-11-24 18:41:00.232268','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=','eyJtZWFuIjogNjEuNX0=','all is well',NULL,NULL);
INSERT INTO "run" VALUES(6,6,3,'failed',1,'2026-11-24 18:41:00.270002','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is failed',NULL,NULL);
INSERT INTO "run" VALUES(7,7,3,'start failed',1,'2026-11-24 18:41:00.298049','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is start failed',NULL,NULL);
INSERT INTO "run" VALUES(8,8,3,'non-existing Docker image',1,'2026-11-24 18:41:00.328811','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is non-existing Docker image',NULL,NULL);
INSERT INTO "run" VALUES(9,9,3,'crashed',1,'2026-11-24 18:41:00.352862','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is crashed',NULL,NULL);
INSERT INTO "run" VALUES(10,10,3,'killed by user',1,'2026-11-24 18:41:00.378392','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is killed by user',NULL,NULL);
INSERT INTO "run" VALUES(11,11,3,'not allowed',1,'2026-11-24 18:41:00.406796','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is not allowed',NULL,NULL);
INSERT INTO "run" VALUES(12,12,3,'unknown error',1,'2026-11-24 18:41:00.430049','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=',NULL,'it is unknown error',NULL,NULL);
INSERT INTO "run" VALUES(13,13,3,'completed',1,'2026-11-24 18:41:00.491755','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,NULL,NULL,NULL,'80c2f832-39e6-4d91-99c4-b63607332fd6','e97ae5a7-5b4e-4681-a0e4-3aea5dc56a7d');
INSERT INTO "run" VALUES(14,14,2,'completed',1,'2026-11-24 18:41:00.878273','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,0,'cIm7Fh38197pBfbHpgyhYfEuhpoTZz0hejCu7GP/oPhlR5uMdck2NpL3JRMC2UxicbvW7xhApC9qkT1K8X6lahP/cL6hU05eqFob5Rwrx4jlbr8Q7IdMCU73vpMT8wQsW6nivtsJbgcEOjBkxU9YLbnqk7cMP+uv0rYAGurWj3am2GWCDmv39Y+iOC31745lV1DHztO5ZZ/ApqW3HwvuRwMVSTBYchWcJpB75ox0eu8dXx/NgRjJ86NCABwCSlCkpyguon/W4F8gX8HCPDN5oPV4XdZS/tBNlx5iTA81EgFQPfzW+GYDyNrr2j0ouadGb7jkspNpYwm1n1pwlMMvzRKZvQ89kJ5ujdCa8HSLE86mDiC1EiAaYntXamB9HbUma7ppG/3lzVGPiV4O8VRoJK3gFtWjkMUCP0onCS/ckGrbcg0sbmCeKRE1/0ipLMOHZ9RYTirU3kvqy5Wcxre6W52ZZ6ov7sper3Yrmfk+4A4nRqVy4Rev1wSfURTXktBcX79AZDuMRXDcvyYrR1vICEe+o978WRjatT75f5Og+ihaBL2Ks7a1zLfUl6ZBhtFaoqwZJFkFfjzvOOpYE40fs21nS0HDct06y6Toa1V4vKCah1/vw+pEMUCd9QQOnfbbIbH/O/bJU+DUrsm0n4oRXHyq+JQuFR1zkKeXboV59F8=$HA1Ig8mUVNOCVRUymS1SYA==$h0BKuLhmagSJFscRJfOeXjSB3NBZBdI6qk+LqyfDbR28Glt7+t2Vhmk/e9aFyqg=','HUEjczskq7z4e9jwqUIS1x40e3I0nrPfwBkoqx8XIGdAmQuK8oRSPs4cxbZHiMgEx0sYEaMFErCQKxAzYaS556JVktOfqIeAwdGABjIyT3vwZItPtva3tdszO6EojiQlFF6PBs/JbXBsPT4j8ETPVIToeEv+lqS2Z2ebe1tbN+Esa1TtcByFSO7yT2wEYELPfJmtw9l9HytM3OXH/tq9XcyM4k96WNnqGhVJJec8BWUazSO1othU8eojGNdbb2AVqN76oSBCndZniN7MWYDLS4P16EVoAtI42D9HNSdrwUeIV865ODAqfBo/9MKCCsO/DTJQeZk3Zd0W20SMXF2o1xl9NgnGrC/MFRQ8rsAqCvqGlkZmQCRrX6wZQVhW2BF92fXJY6tBVYMQZc73/ZbQBEA3T2HXIBju+fIPynAI8ufW5x4w2eSwk8Gl9yuxfO/QoGEIXPZpU0InVJDVDhQQes6zKlRkWeQKJh21meuIhFUTXlCqIWvYoVjEYBOz1iqvMESuWsqQPB6a6aWKg4yOvUHKwLcSOFIcGsPdfOfIG7+h6xU70GbEc3V4mkvaJSeaOls5d494JyCHGvx25bpRtFpJ1ZM1CesZFYjJRXGWvfmrTHC+ZjcpVliVClruUfyJq1JlUUME2rTbvp9zfttn6wdwgg76zM1GIGWQ8Os7lH4=$nI+r8FTvRMgWLu9pf6aa5w==$IuDZ3YBr05nLG6UBkJIJ3A==',NULL,NULL,NULL);
INSERT INTO "run" VALUES(15,15,2,'completed',3,'2026-11-24 18:41:01.485914','2026-11-24 18:41:02.167576','2026-11-24 18:41:02.759932',NULL,0,'eyJtZXRob2QiOiAidG90YWxzIiwgImFyZ3MiOiBbXSwgImt3YXJncyI6IHsiY29sdW1ucyI6IFsiYWdlIl19fQ==','W3siZ3JvdXAiOm51bGwsInJvd3MiOjQwLCJjb2x1bW5zIjp7ImFnZSI6eyJraW5kIjoibnVtYmVyIiwiY291bnQiOjQwLCJtaXNzaW5nIjowLCJzdW0iOjE5ODAuMCwibWluIjozMC4wLCJtYXgiOjY5LjB9fX1d','',NULL,NULL);
INSERT INTO "run" VALUES(16,16,2,'active',2,'2026-11-24 18:41:02.799862','2026-11-24 18:41:02.815280',NULL,NULL,0,'eyJtZXRob2QiOiAid2FpdHMiLCAiYXJncyI6IFtdLCAia3dhcmdzIjogeyJzZWNvbmRzIjogMS41fX0=',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(17,17,2,'pending',0,'2026-11-24 18:41:07.381417',NULL,NULL,NULL,0,'eyJtZXRob2QiOiAidG90YWxzIiwgImFyZ3MiOiBbXSwgImt3YXJncyI6IHsiY29sdW1ucyI6IFsiYWdlIl19fQ==',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(18,18,3,'completed',1,'2026-11-24 18:41:10.308813','2026-01-02 03:04:05.000006','2026-01-02 03:05:06.000007',NULL,1,'1ed3b9ab-42ef-49e5-a28f-409ec927997f','33ddfbf7-8353-4244-a70a-3c4789bf49f1',NULL,NULL,NULL);
INSERT INTO "run" VALUES(19,19,2,'pending',0,'2026-11-24 18:41:10.386752',NULL,NULL,NULL,1,'e3d684ec-b1bf-44ed-8030-f7be646d1b50',NULL,NULL,NULL,NULL);
CREATE TABLE run_port (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	port INTEGER NOT NULL, 
	label VARCHAR, 
	CONSTRAINT pk_run_port PRIMARY KEY (id), 
	CONSTRAINT fk_run_port_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE TABLE store_collaboration (
	store_id INTEGER NOT NULL, 
	collaboration_id INTEGER NOT NULL, 
	url VARCHAR NOT NULL, 
	CONSTRAINT pk_store_collaboration PRIMARY KEY (store_id, collaboration_id), 
	CONSTRAINT fk_store_collaboration_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE CASCADE, 
	CONSTRAINT fk_store_collaboration_store_id_algorithm_store FOREIGN KEY(store_id) REFERENCES algorithm_store (id) ON DELETE CASCADE
);
INSERT INTO "store_collaboration" VALUES(1,1,'http://127.0.0.1:40079/api');
CREATE TABLE study (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	collaboration_id INTEGER NOT NULL, 
	CONSTRAINT fk_study_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE CASCADE, 
	CONSTRAINT uq_study_name UNIQUE (name)
);
INSERT INTO "study" VALUES(1,'pair',1);
CREATE TABLE study_member (
	study_id INTEGER NOT NULL, 
	organization_id INTEGER NOT NULL, 
	CONSTRAINT pk_study_member PRIMARY KEY (study_id, organization_id), 
	CONSTRAINT fk_study_member_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT fk_study_member_study_id_study FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE
);
INSERT INTO "study_member" VALUES(1,2);
INSERT INTO "study_member" VALUES(1,3);
CREATE TABLE task (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	image VARCHAR NOT NULL, 
	job_id INTEGER NOT NULL, 
	collaboration_id INTEGER NOT NULL, 
	study_id INTEGER, 
	parent_id INTEGER, 
	init_org_id INTEGER, 
	init_user_id INTEGER, 
	algorithm_store_id INTEGER, 
	created_at DATETIME NOT NULL, 
	idempotency_key VARCHAR, 
	status VARCHAR NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT fk_task_algorithm_store_id_algorithm_store FOREIGN KEY(algorithm_store_id) REFERENCES algorithm_store (id) ON DELETE SET NULL, 
	CONSTRAINT fk_task_collaboration_id_collaboration FOREIGN KEY(collaboration_id) REFERENCES collaboration (id) ON DELETE CASCADE, 
	CONSTRAINT fk_task_init_org_id_organization FOREIGN KEY(init_org_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT fk_task_init_user_id_user_account FOREIGN KEY(init_user_id) REFERENCES user_account (id) ON DELETE SET NULL, 
	CONSTRAINT fk_task_job_id_job FOREIGN KEY(job_id) REFERENCES job (id), 
	CONSTRAINT fk_task_parent_id_task FOREIGN KEY(parent_id) REFERENCES task (id) ON DELETE CASCADE, 
	CONSTRAINT fk_task_study_id_study FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE, 
	CONSTRAINT uq_task_idempotency_key UNIQUE (idempotency_key)
);
INSERT INTO "task" VALUES(1,'pending','','registry.example/algo:1',1,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.087124','user:2:ea329dfb-1b6c-4618-8b68-1125e61815bc','pending',NULL);
INSERT INTO "task" VALUES(2,'child','','registry.example/algo:1',1,1,1,1,3,2,NULL,'2026-11-24 18:41:00.123930',NULL,'pending',NULL);
INSERT INTO "task" VALUES(3,'initializing','','registry.example/algo:1',2,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.141645','user:2:05fdf340-23aa-47c7-ae01-e1c16813eb4e','initializing',NULL);
INSERT INTO "task" VALUES(4,'active','','registry.example/algo:1',3,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.194476','user:2:2bed2d79-1abb-48c2-b4be-ac57a1dc3a65','active',NULL);
INSERT INTO "task" VALUES(5,'completed','','registry.example/algo:1',4,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.231871','user:2:d6ccceed-fcb7-44b2-b35f-50eb2d52e778','completed','2026-01-02 03:05:06.000007');
INSERT INTO "task" VALUES(6,'failed','','registry.example/algo:1',5,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.269745','user:2:5764adb0-7901-46bd-8b25-62748f320743','failed',NULL);
INSERT INTO "task" VALUES(7,'start failed','','registry.example/algo:1',6,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.297713','user:2:b70e0005-4102-4357-a9c3-b1fa2a826a7e','start failed',NULL);
INSERT INTO "task" VALUES(8,'non-existing Docker image','','registry.example/algo:1',7,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.328451','user:2:53920766-f7d6-43a8-a192-7bd59ba3d73b','non-existing Docker image',NULL);
INSERT INTO "task" VALUES(9,'crashed','','registry.example/algo:1',8,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.352626','user:2:7dce8734-e188-4929-b152-667c2dab15a8','crashed',NULL);
INSERT INTO "task" VALUES(10,'killed by user','','registry.example/algo:1',9,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.378090','user:2:1e03880d-8ad6-461e-a7de-4f57287275df','killed by user',NULL);
INSERT INTO "task" VALUES(11,'not allowed','','registry.example/algo:1',10,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.406547','user:2:ef151b66-561d-4a36-828e-cfa2126fb262','not allowed',NULL);
INSERT INTO "task" VALUES(12,'unknown error','','registry.example/algo:1',11,1,1,NULL,2,2,NULL,'2026-11-24 18:41:00.429781','user:2:b265e1d4-af99-4824-a4c4-6c09ab3aa70c','unknown error',NULL);
INSERT INTO "task" VALUES(13,'m','','i',12,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:00.491452','user:2:605aff42-4416-4095-93d8-9e3665a7b9ae','completed','2026-01-02 03:05:06.000007');
INSERT INTO "task" VALUES(14,'m','','i',13,2,NULL,NULL,2,2,NULL,'2026-11-24 18:41:00.878022','user:2:d1e00ece-5d17-488d-955b-ec5f900507ce','completed','2026-01-02 03:05:06.000007');
INSERT INTO "task" VALUES(15,'totals','','hanse/summary',14,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:01.485664','user:2:5c8c354c-0e27-4ddf-9ebd-06af27f720a7','completed','2026-11-24 18:41:02.759932');
INSERT INTO "task" VALUES(16,'pending result','','hanse/misbehaving',15,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:02.799620','user:2:1501ea1c-4ea1-46e1-9305-b2a4ed997620','active',NULL);
INSERT INTO "task" VALUES(17,'waits for the node','','hanse/summary',16,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:07.380123','user:2:49c27d9b-cb0e-420d-9da3-6552090d7bd4','pending',NULL);
INSERT INTO "task" VALUES(18,'m','','i',17,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:10.307056','user:2:15b9906c-1141-4d17-90cd-f6a8a56fbcf4','completed','2026-01-02 03:05:06.000007');
INSERT INTO "task" VALUES(19,'with a blob','','hanse/summary',18,1,NULL,NULL,2,2,NULL,'2026-11-24 18:41:10.386180','user:2:c716917c-5e66-4f48-a6f0-060f4cf5079a','pending',NULL);
CREATE TABLE task_count (
	collaboration_id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	init_org_id INTEGER NOT NULL, 
	init_user_id INTEGER NOT NULL, 
	is_user_created INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	CONSTRAINT pk_task_count PRIMARY KEY (collaboration_id, study_id, init_org_id, init_user_id, is_user_created)
);
INSERT INTO "task_count" VALUES(1,1,2,2,1,11);
INSERT INTO "task_count" VALUES(1,1,3,2,0,1);
INSERT INTO "task_count" VALUES(1,0,2,2,1,6);
INSERT INTO "task_count" VALUES(2,0,2,2,1,1);
CREATE TABLE task_database (
	id INTEGER NOT NULL, 
	task_id INTEGER NOT NULL, 
	label VARCHAR NOT NULL, 
	parameters VARCHAR NOT NULL, 
	CONSTRAINT pk_task_database PRIMARY KEY (id), 
	CONSTRAINT fk_task_database_task_id_task FOREIGN KEY(task_id) REFERENCES task (id) ON DELETE CASCADE
);
INSERT INTO "task_database" VALUES(1,1,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(2,2,'default','{}');
INSERT INTO "task_database" VALUES(3,3,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(4,4,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(5,5,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(6,6,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(7,7,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(8,8,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(9,9,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(10,10,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(11,11,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(12,12,'default','{"query":"SELECT 1"}');
INSERT INTO "task_database" VALUES(13,13,'default','{}');
INSERT INTO "task_database" VALUES(14,14,'default','{}');
INSERT INTO "task_database" VALUES(15,15,'default','{}');
INSERT INTO "task_database" VALUES(16,17,'default','{}');
INSERT INTO "task_database" VALUES(17,18,'default','{}');
INSERT INTO "task_database" VALUES(18,19,'default','{}');
CREATE TABLE user_account (
	id INTEGER NOT NULL, 
	username VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	password VARCHAR NOT NULL, 
	firstname VARCHAR NOT NULL, 
	lastname VARCHAR NOT NULL, 
	organization_id INTEGER NOT NULL, 
	failed_login_attempts INTEGER NOT NULL, 
	last_login_attempt DATETIME, 
	last_email_failed_login_sent DATETIME, 
	last_email_recover_password_sent DATETIME, 
	last_email_second_factor_sent DATETIME, 
	otp_secret VARCHAR, 
	otp_last_step BIGINT, 
	CONSTRAINT pk_user_account PRIMARY KEY (id), 
	CONSTRAINT fk_user_account_id_identity FOREIGN KEY(id) REFERENCES identity (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_account_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT uq_user_account_email UNIQUE (email), 
	CONSTRAINT uq_user_account_username UNIQUE (username)
);
INSERT INTO "user_account" VALUES(1,'root','root@domain.ext','$argon2id$v=19$m=19456,t=2,p=1$lPNi8VKIb8hupOnbCqbdHA$ic/9vwZeQEiYWDYWf2DC3dmOzwE1+fPNMNzCjg2Vz8E','','',1,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "user_account" VALUES(2,'alice','alice@example.org','$argon2id$v=19$m=19456,t=2,p=1$qxlddCemVRBpFlbTcfyJ7g$6SMFvGuJqqQcBLpdNc3D6cV9qnJMyRrO+EaqDtxqIkk','','',2,0,NULL,NULL,NULL,NULL,'1:3G4X5gENtfSMauGryl-jhvml5pX1Hyd4KtqZnMNWq2qGx6_2MP07CGBNNhf4O7efhqgyfpQSIfZcyyv5',59851521);
INSERT INTO "user_account" VALUES(3,'bob','bob@example.org','$argon2id$v=19$m=19456,t=2,p=1$qXofCwzAPWX73YP9u3pWgg$aIjD/mAPwe98XFS+dEUyuNLHI5EZAywd5b6wxGTbW0Q','','',3,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "user_account" VALUES(4,'dave','dave@example.org','$argon2id$v=19$m=19456,t=2,p=1$3ethChARLcfEWGZlK/0v1Q$fOsSh6Dbn0rnoIQTc2ZT2Hj+5Er9+wqr8Yn0TPf57Xc','','',3,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "user_account" VALUES(8,'carol','b86ef58e5208cb4ffa9bfaf3@hospital.invalid','!','Carol','',2,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE user_invitation (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	email VARCHAR NOT NULL, 
	organization_id INTEGER NOT NULL, 
	inviter_id INTEGER NOT NULL, 
	roles JSON NOT NULL, 
	rules JSON NOT NULL, 
	token_hash VARCHAR, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT fk_user_invitation_inviter_id_user_account FOREIGN KEY(inviter_id) REFERENCES user_account (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_invitation_organization_id_organization FOREIGN KEY(organization_id) REFERENCES organization (id) ON DELETE CASCADE, 
	CONSTRAINT uq_user_invitation_organization_id_email UNIQUE (organization_id, email), 
	CONSTRAINT uq_user_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "user_invitation" VALUES(1,'erin@example.org',2,1,'[5]','[]','693d8a38fbd36b7ce3e1892e3e466fd79d4368e9993cf5ef1170db28d1f03553','2026-11-24 18:40:58.344937','2036-11-21 18:40:58.344937');
CREATE TABLE user_role (
	user_id INTEGER NOT NULL, 
	role_id INTEGER NOT NULL, 
	CONSTRAINT pk_user_role PRIMARY KEY (user_id, role_id), 
	CONSTRAINT fk_user_role_role_id_role FOREIGN KEY(role_id) REFERENCES role (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_role_user_id_user_account FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE
);
INSERT INTO "user_role" VALUES(1,1);
INSERT INTO "user_role" VALUES(2,5);
INSERT INTO "user_role" VALUES(2,6);
INSERT INTO "user_role" VALUES(2,8);
INSERT INTO "user_role" VALUES(3,5);
INSERT INTO "user_role" VALUES(3,6);
INSERT INTO "user_role" VALUES(4,5);
INSERT INTO "user_role" VALUES(4,6);
INSERT INTO "user_role" VALUES(8,5);
CREATE TABLE user_rule (
	user_id INTEGER NOT NULL, 
	rule_id INTEGER NOT NULL, 
	CONSTRAINT pk_user_rule PRIMARY KEY (user_id, rule_id), 
	CONSTRAINT fk_user_rule_rule_id_rule FOREIGN KEY(rule_id) REFERENCES rule (id) ON DELETE CASCADE, 
	CONSTRAINT fk_user_rule_user_id_user_account FOREIGN KEY(user_id) REFERENCES user_account (id) ON DELETE CASCADE
);
CREATE TABLE v4_secret (
	identity_id INTEGER NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_v4_secret PRIMARY KEY (identity_id), 
	CONSTRAINT fk_v4_secret_identity_id_identity FOREIGN KEY(identity_id) REFERENCES identity (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_algorithm_store_for_all ON algorithm_store (url) WHERE is_for_all;
CREATE INDEX ix_login_failures_last_at ON login_failures (last_at);
CREATE INDEX ix_outbox_event_created_at ON outbox_event (created_at);
CREATE INDEX ix_queued_mail_due_at ON queued_mail (due_at);
CREATE INDEX ix_queued_mail_until ON queued_mail (until);
CREATE INDEX ix_access_token_user_id ON access_token (user_id);
CREATE INDEX ix_external_identity_user_id ON external_identity (user_id);
CREATE INDEX ix_login_session_identity_id ON login_session (identity_id);
CREATE INDEX ix_member_organization_id ON member (organization_id);
CREATE INDEX ix_node_collaboration_id ON node (collaboration_id);
CREATE INDEX ix_node_organization_id ON node (organization_id);
CREATE INDEX ix_role_organization_id ON role (organization_id);
CREATE UNIQUE INDEX uq_store_collaboration_url ON store_collaboration (collaboration_id, url);
CREATE INDEX ix_study_collaboration_id ON study (collaboration_id);
CREATE INDEX ix_user_account_organization_id ON user_account (organization_id);
CREATE INDEX ix_external_role_role_id ON external_role (role_id);
CREATE INDEX ix_node_setting_node_id ON node_setting (node_id);
CREATE INDEX ix_organization_invitation_collaboration_id ON organization_invitation (collaboration_id);
CREATE INDEX ix_organization_invitation_inviter_id ON organization_invitation (inviter_id);
CREATE INDEX ix_organization_invitation_organization_id ON organization_invitation (organization_id);
CREATE INDEX ix_role_rule_rule_id ON role_rule (rule_id);
CREATE INDEX ix_study_member_organization_id ON study_member (organization_id);
CREATE INDEX ix_task_algorithm_store_id ON task (algorithm_store_id);
CREATE INDEX ix_task_collaboration_id_id ON task (collaboration_id, id);
CREATE INDEX ix_task_init_org_id ON task (init_org_id);
CREATE INDEX ix_task_init_user_id ON task (init_user_id);
CREATE INDEX ix_task_job_id_status ON task (job_id, status);
CREATE INDEX ix_task_name ON task (name, collaboration_id, study_id, init_org_id, init_user_id);
CREATE INDEX ix_task_parent_id ON task (parent_id);
CREATE INDEX ix_task_status_id ON task (status, id, collaboration_id, init_org_id, init_user_id);
CREATE INDEX ix_task_study_id ON task (study_id);
CREATE INDEX ix_user_invitation_created_at ON user_invitation (created_at);
CREATE INDEX ix_user_invitation_expires_at ON user_invitation (expires_at);
CREATE INDEX ix_user_invitation_inviter_id ON user_invitation (inviter_id);
CREATE INDEX ix_user_invitation_organization_id ON user_invitation (organization_id);
CREATE INDEX ix_user_role_role_id ON user_role (role_id);
CREATE INDEX ix_user_rule_rule_id ON user_rule (rule_id);
CREATE INDEX ix_run_open ON run (organization_id, finished_at);
CREATE INDEX ix_run_organization_id_id ON run (organization_id, id);
CREATE INDEX ix_run_task_id ON run (task_id);
CREATE INDEX ix_task_database_label_task_id ON task_database (label, task_id);
CREATE INDEX ix_task_database_task_id ON task_database (task_id);
CREATE INDEX ix_blob_created_at ON blob (created_at);
CREATE INDEX ix_blob_run_id ON blob (run_id);
CREATE INDEX ix_blob_uploader_id ON blob (uploader_id);
CREATE INDEX ix_run_port_run_id ON run_port (run_id);
CREATE TRIGGER hanse_kept_run_added_56ff9168 AFTER INSERT ON run FOR EACH ROW BEGIN UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = NEW.task_id; END;
CREATE TRIGGER hanse_kept_run_moved_7063b495 AFTER UPDATE OF status, finished_at ON run FOR EACH ROW BEGIN UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = NEW.task_id; END;
CREATE TRIGGER hanse_kept_run_removed_f93560d3 AFTER DELETE ON run FOR EACH ROW BEGIN UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = OLD.task_id; END;
CREATE TRIGGER hanse_kept_task_added_1db5447f AFTER INSERT ON task FOR EACH ROW BEGIN INSERT INTO task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (NEW.collaboration_id, COALESCE(NEW.study_id, 0), COALESCE(NEW.init_org_id, 0), COALESCE(NEW.init_user_id, 0), CASE WHEN NEW.parent_id IS NULL THEN 1 ELSE 0 END, 1) ON CONFLICT (collaboration_id, study_id, init_org_id, init_user_id, is_user_created) DO UPDATE SET total = task_count.total + 1; END;
CREATE TRIGGER hanse_kept_task_changed_3c0fb407 AFTER UPDATE OF collaboration_id, study_id, init_org_id, init_user_id, parent_id ON task FOR EACH ROW BEGIN UPDATE task_count SET total = total - 1 WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END; DELETE FROM task_count WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END AND total = 0;INSERT INTO task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (NEW.collaboration_id, COALESCE(NEW.study_id, 0), COALESCE(NEW.init_org_id, 0), COALESCE(NEW.init_user_id, 0), CASE WHEN NEW.parent_id IS NULL THEN 1 ELSE 0 END, 1) ON CONFLICT (collaboration_id, study_id, init_org_id, init_user_id, is_user_created) DO UPDATE SET total = task_count.total + 1; END;
CREATE TRIGGER hanse_kept_task_removed_126fedcc AFTER DELETE ON task FOR EACH ROW BEGIN UPDATE task_count SET total = total - 1 WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END; DELETE FROM task_count WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END AND total = 0; END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('role',8);
INSERT INTO "sqlite_sequence" VALUES('organization',4);
INSERT INTO "sqlite_sequence" VALUES('identity',8);
INSERT INTO "sqlite_sequence" VALUES('collaboration',2);
INSERT INTO "sqlite_sequence" VALUES('study',1);
INSERT INTO "sqlite_sequence" VALUES('algorithm_store',1);
INSERT INTO "sqlite_sequence" VALUES('user_invitation',1);
INSERT INTO "sqlite_sequence" VALUES('organization_invitation',1);
INSERT INTO "sqlite_sequence" VALUES('access_token',1);
INSERT INTO "sqlite_sequence" VALUES('external_identity',1);
INSERT INTO "sqlite_sequence" VALUES('job',18);
INSERT INTO "sqlite_sequence" VALUES('task',19);
INSERT INTO "sqlite_sequence" VALUES('run',19);
COMMIT;
PRAGMA user_version=0;
