--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: hanse_kept_run_added_ab8783f8(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_run_added_ab8783f8() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM task WHERE id = NEW.task_id FOR NO KEY UPDATE; UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = NEW.task_id; RETURN NULL; END $$;


--
-- Name: hanse_kept_run_moved_64971e66(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_run_moved_64971e66() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM task WHERE id = NEW.task_id FOR NO KEY UPDATE; UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = NEW.task_id; RETURN NULL; END $$;


--
-- Name: hanse_kept_run_removed_a5e7c880(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_run_removed_a5e7c880() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM task WHERE id = OLD.task_id FOR NO KEY UPDATE; UPDATE task SET status=(SELECT CASE WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) = 1) THEN max(CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) WHEN (count(DISTINCT CASE WHEN ((run.status NOT IN ('active', 'initializing', 'pending', 'completed'))) THEN run.status END) > 1) THEN 'failed' WHEN (count(CASE WHEN (run.status = 'active') THEN 1 END) > 0) THEN 'active' WHEN (count(CASE WHEN (run.status = 'initializing') THEN 1 END) > 0) THEN 'initializing' WHEN (count(CASE WHEN (run.status = 'pending') THEN 1 END) > 0) THEN 'pending' ELSE 'completed' END AS anon_1 
FROM run 
WHERE run.task_id = task.id), finished_at=(SELECT CASE WHEN (count(CASE WHEN (run.status != 'completed') THEN 1 END) = 0) THEN max(run.finished_at) END AS anon_2 
FROM run 
WHERE run.task_id = task.id) WHERE task.id = OLD.task_id; RETURN NULL; END $$;


--
-- Name: hanse_kept_task_added_1db5447f(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_task_added_1db5447f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (NEW.collaboration_id, COALESCE(NEW.study_id, 0), COALESCE(NEW.init_org_id, 0), COALESCE(NEW.init_user_id, 0), CASE WHEN NEW.parent_id IS NULL THEN 1 ELSE 0 END, 1) ON CONFLICT (collaboration_id, study_id, init_org_id, init_user_id, is_user_created) DO UPDATE SET total = task_count.total + 1; RETURN NULL; END $$;


--
-- Name: hanse_kept_task_changed_3c0fb407(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_task_changed_3c0fb407() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN UPDATE task_count SET total = total - 1 WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END; DELETE FROM task_count WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END AND total = 0;INSERT INTO task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (NEW.collaboration_id, COALESCE(NEW.study_id, 0), COALESCE(NEW.init_org_id, 0), COALESCE(NEW.init_user_id, 0), CASE WHEN NEW.parent_id IS NULL THEN 1 ELSE 0 END, 1) ON CONFLICT (collaboration_id, study_id, init_org_id, init_user_id, is_user_created) DO UPDATE SET total = task_count.total + 1; RETURN NULL; END $$;


--
-- Name: hanse_kept_task_removed_126fedcc(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.hanse_kept_task_removed_126fedcc() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN UPDATE task_count SET total = total - 1 WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END; DELETE FROM task_count WHERE collaboration_id = OLD.collaboration_id AND study_id = COALESCE(OLD.study_id, 0) AND init_org_id = COALESCE(OLD.init_org_id, 0) AND init_user_id = COALESCE(OLD.init_user_id, 0) AND is_user_created = CASE WHEN OLD.parent_id IS NULL THEN 1 ELSE 0 END AND total = 0; RETURN NULL; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.access_token (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    name character varying NOT NULL,
    token_hash character varying NOT NULL,
    owner_version bigint NOT NULL,
    method character varying NOT NULL,
    has_second_factor boolean NOT NULL,
    is_read_only boolean NOT NULL,
    rules json NOT NULL,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    last_used_at timestamp without time zone
);


--
-- Name: access_token_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.access_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: access_token_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.access_token_id_seq OWNED BY public.access_token.id;


--
-- Name: algorithm_store; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.algorithm_store (
    id bigint NOT NULL,
    name character varying NOT NULL,
    url character varying NOT NULL,
    is_for_all boolean NOT NULL
);


--
-- Name: algorithm_store_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.algorithm_store_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: algorithm_store_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.algorithm_store_id_seq OWNED BY public.algorithm_store.id;


--
-- Name: blob; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.blob (
    key character varying NOT NULL,
    place character varying NOT NULL,
    run_id bigint,
    field character varying,
    uploader_id bigint,
    task_id bigint,
    size bigint,
    digest character varying,
    created_at timestamp without time zone NOT NULL,
    settled_at timestamp without time zone
);


--
-- Name: collaboration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collaboration (
    id bigint NOT NULL,
    name character varying NOT NULL,
    encrypted boolean NOT NULL,
    keep_inputs_days bigint,
    keep_results_days bigint,
    keep_logs_days bigint,
    keep_blobs_days bigint
);


--
-- Name: collaboration_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.collaboration_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: collaboration_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.collaboration_id_seq OWNED BY public.collaboration.id;


--
-- Name: external_identity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.external_identity (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    issuer character varying NOT NULL,
    subject character varying NOT NULL,
    created_at timestamp without time zone NOT NULL,
    confirmed_at timestamp without time zone
);


--
-- Name: external_identity_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.external_identity_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: external_identity_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.external_identity_id_seq OWNED BY public.external_identity.id;


--
-- Name: external_role; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.external_role (
    identity_id bigint NOT NULL,
    role_id bigint NOT NULL
);


--
-- Name: hanse_server_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hanse_server_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: identity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.identity (
    id bigint NOT NULL,
    type character varying NOT NULL,
    ip character varying,
    status character varying,
    last_seen timestamp without time zone,
    token_version bigint NOT NULL
);


--
-- Name: identity_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.identity_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: identity_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.identity_id_seq OWNED BY public.identity.id;


--
-- Name: job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job (
    id bigint NOT NULL
);


--
-- Name: job_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: job_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.job_id_seq OWNED BY public.job.id;


--
-- Name: known_network; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.known_network (
    user_id bigint NOT NULL,
    network character varying NOT NULL,
    last_at timestamp without time zone NOT NULL
);


--
-- Name: login_failures; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.login_failures (
    purpose character varying NOT NULL,
    network character varying NOT NULL,
    account_id bigint NOT NULL,
    failed bigint NOT NULL,
    last_at timestamp without time zone NOT NULL
);


--
-- Name: login_session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.login_session (
    id character varying NOT NULL,
    identity_id bigint NOT NULL,
    method character varying NOT NULL,
    has_second_factor boolean NOT NULL,
    created_at timestamp without time zone NOT NULL,
    last_used_at timestamp without time zone NOT NULL,
    ends_at timestamp without time zone NOT NULL,
    generation bigint NOT NULL,
    rotated_at timestamp without time zone NOT NULL,
    revoked_at timestamp without time zone,
    ip character varying NOT NULL,
    user_agent character varying NOT NULL,
    external character varying
);


--
-- Name: member; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.member (
    collaboration_id bigint NOT NULL,
    organization_id bigint NOT NULL
);


--
-- Name: node; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.node (
    id bigint NOT NULL,
    name character varying NOT NULL,
    api_key_hash character varying,
    api_key_bcrypt character varying,
    organization_id bigint NOT NULL,
    collaboration_id bigint,
    CONSTRAINT ck_node_one_key CHECK (((api_key_hash IS NULL) <> (api_key_bcrypt IS NULL)))
);


--
-- Name: node_setting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.node_setting (
    id bigint NOT NULL,
    node_id bigint NOT NULL,
    key character varying NOT NULL,
    value character varying NOT NULL
);


--
-- Name: node_setting_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.node_setting_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: node_setting_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.node_setting_id_seq OWNED BY public.node_setting.id;


--
-- Name: organization; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organization (
    id bigint NOT NULL,
    name character varying NOT NULL,
    domain character varying NOT NULL,
    address1 character varying NOT NULL,
    address2 character varying,
    zipcode character varying NOT NULL,
    country character varying NOT NULL,
    public_key character varying NOT NULL,
    two_factor_required boolean NOT NULL
);


--
-- Name: organization_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.organization_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: organization_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.organization_id_seq OWNED BY public.organization.id;


--
-- Name: organization_invitation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organization_invitation (
    id bigint NOT NULL,
    collaboration_id bigint NOT NULL,
    organization_name character varying NOT NULL,
    organization_id bigint,
    inviter_id bigint NOT NULL,
    state character varying NOT NULL,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    mailed_at timestamp without time zone
);


--
-- Name: organization_invitation_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.organization_invitation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: organization_invitation_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.organization_invitation_id_seq OWNED BY public.organization_invitation.id;


--
-- Name: outbox_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox_event (
    id bigint NOT NULL,
    name character varying NOT NULL,
    data json NOT NULL,
    rooms json NOT NULL,
    created_at timestamp without time zone NOT NULL
);


--
-- Name: outbox_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.outbox_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: outbox_event_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.outbox_event_id_seq OWNED BY public.outbox_event.id;


--
-- Name: queued_mail; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.queued_mail (
    id bigint NOT NULL,
    sealed character varying NOT NULL,
    due_at timestamp without time zone NOT NULL,
    until timestamp without time zone NOT NULL,
    attempts bigint NOT NULL
);


--
-- Name: queued_mail_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.queued_mail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: queued_mail_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.queued_mail_id_seq OWNED BY public.queued_mail.id;


--
-- Name: recovery_code; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.recovery_code (
    user_id bigint NOT NULL,
    code_hash character varying NOT NULL
);


--
-- Name: recovery_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.recovery_token (
    user_id bigint NOT NULL,
    purpose character varying NOT NULL,
    token_hash character varying NOT NULL,
    email character varying NOT NULL,
    expires_at timestamp without time zone NOT NULL
);


--
-- Name: role; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.role (
    id bigint NOT NULL,
    name character varying NOT NULL,
    description character varying NOT NULL,
    organization_id bigint,
    is_default_role boolean NOT NULL
);


--
-- Name: role_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.role_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: role_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.role_id_seq OWNED BY public.role.id;


--
-- Name: role_rule; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.role_rule (
    role_id bigint NOT NULL,
    rule_id bigint NOT NULL
);


--
-- Name: rule; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rule (
    id bigint NOT NULL,
    name character varying NOT NULL,
    scope bigint NOT NULL,
    operation character varying NOT NULL,
    description character varying NOT NULL
);


--
-- Name: rule_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: rule_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.rule_id_seq OWNED BY public.rule.id;


--
-- Name: run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.run (
    id bigint NOT NULL,
    task_id bigint NOT NULL,
    organization_id bigint NOT NULL,
    status character varying NOT NULL,
    version bigint NOT NULL,
    assigned_at timestamp without time zone NOT NULL,
    started_at timestamp without time zone,
    finished_at timestamp without time zone,
    cleanup_at timestamp without time zone,
    blob_storage_used boolean NOT NULL,
    input text,
    result text,
    log text,
    input_key character varying,
    result_key character varying
);


--
-- Name: run_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: run_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.run_id_seq OWNED BY public.run.id;


--
-- Name: run_port; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.run_port (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    port bigint NOT NULL,
    label character varying
);


--
-- Name: run_port_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.run_port_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: run_port_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.run_port_id_seq OWNED BY public.run_port.id;


--
-- Name: store_collaboration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.store_collaboration (
    store_id bigint NOT NULL,
    collaboration_id bigint NOT NULL,
    url character varying NOT NULL
);


--
-- Name: study; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.study (
    id bigint NOT NULL,
    name character varying NOT NULL,
    collaboration_id bigint NOT NULL
);


--
-- Name: study_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.study_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: study_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.study_id_seq OWNED BY public.study.id;


--
-- Name: study_member; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.study_member (
    study_id bigint NOT NULL,
    organization_id bigint NOT NULL
);


--
-- Name: task; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.task (
    id bigint NOT NULL,
    name character varying NOT NULL,
    description character varying NOT NULL,
    image character varying NOT NULL,
    job_id bigint NOT NULL,
    collaboration_id bigint NOT NULL,
    study_id bigint,
    parent_id bigint,
    init_org_id bigint,
    init_user_id bigint,
    algorithm_store_id bigint,
    created_at timestamp without time zone NOT NULL,
    idempotency_key character varying,
    status character varying NOT NULL,
    finished_at timestamp without time zone
);


--
-- Name: task_count; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.task_count (
    collaboration_id bigint NOT NULL,
    study_id bigint NOT NULL,
    init_org_id bigint NOT NULL,
    init_user_id bigint NOT NULL,
    is_user_created bigint NOT NULL,
    total bigint NOT NULL
);


--
-- Name: task_database; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.task_database (
    id bigint NOT NULL,
    task_id bigint NOT NULL,
    label character varying NOT NULL,
    parameters character varying NOT NULL
);


--
-- Name: task_database_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.task_database_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: task_database_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.task_database_id_seq OWNED BY public.task_database.id;


--
-- Name: task_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.task_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: task_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.task_id_seq OWNED BY public.task.id;


--
-- Name: user_account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_account (
    id bigint NOT NULL,
    username character varying NOT NULL,
    email character varying NOT NULL,
    password character varying NOT NULL,
    firstname character varying NOT NULL,
    lastname character varying NOT NULL,
    organization_id bigint NOT NULL,
    failed_login_attempts bigint NOT NULL,
    last_login_attempt timestamp without time zone,
    last_email_failed_login_sent timestamp without time zone,
    last_email_recover_password_sent timestamp without time zone,
    last_email_second_factor_sent timestamp without time zone,
    otp_secret character varying,
    otp_last_step bigint
);


--
-- Name: user_invitation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_invitation (
    id bigint NOT NULL,
    email character varying NOT NULL,
    organization_id bigint NOT NULL,
    inviter_id bigint NOT NULL,
    roles json NOT NULL,
    rules json NOT NULL,
    token_hash character varying,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL
);


--
-- Name: user_invitation_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.user_invitation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: user_invitation_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.user_invitation_id_seq OWNED BY public.user_invitation.id;


--
-- Name: user_role; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_role (
    user_id bigint NOT NULL,
    role_id bigint NOT NULL
);


--
-- Name: user_rule; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_rule (
    user_id bigint NOT NULL,
    rule_id bigint NOT NULL
);


--
-- Name: v4_secret; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.v4_secret (
    identity_id bigint NOT NULL,
    hash character varying NOT NULL
);


--
-- Name: access_token id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_token ALTER COLUMN id SET DEFAULT nextval('public.access_token_id_seq'::regclass);


--
-- Name: algorithm_store id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.algorithm_store ALTER COLUMN id SET DEFAULT nextval('public.algorithm_store_id_seq'::regclass);


--
-- Name: collaboration id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collaboration ALTER COLUMN id SET DEFAULT nextval('public.collaboration_id_seq'::regclass);


--
-- Name: external_identity id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_identity ALTER COLUMN id SET DEFAULT nextval('public.external_identity_id_seq'::regclass);


--
-- Name: identity id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.identity ALTER COLUMN id SET DEFAULT nextval('public.identity_id_seq'::regclass);


--
-- Name: job id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job ALTER COLUMN id SET DEFAULT nextval('public.job_id_seq'::regclass);


--
-- Name: node_setting id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node_setting ALTER COLUMN id SET DEFAULT nextval('public.node_setting_id_seq'::regclass);


--
-- Name: organization id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization ALTER COLUMN id SET DEFAULT nextval('public.organization_id_seq'::regclass);


--
-- Name: organization_invitation id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation ALTER COLUMN id SET DEFAULT nextval('public.organization_invitation_id_seq'::regclass);


--
-- Name: outbox_event id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_event ALTER COLUMN id SET DEFAULT nextval('public.outbox_event_id_seq'::regclass);


--
-- Name: queued_mail id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.queued_mail ALTER COLUMN id SET DEFAULT nextval('public.queued_mail_id_seq'::regclass);


--
-- Name: role id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role ALTER COLUMN id SET DEFAULT nextval('public.role_id_seq'::regclass);


--
-- Name: rule id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rule ALTER COLUMN id SET DEFAULT nextval('public.rule_id_seq'::regclass);


--
-- Name: run id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run ALTER COLUMN id SET DEFAULT nextval('public.run_id_seq'::regclass);


--
-- Name: run_port id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_port ALTER COLUMN id SET DEFAULT nextval('public.run_port_id_seq'::regclass);


--
-- Name: study id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study ALTER COLUMN id SET DEFAULT nextval('public.study_id_seq'::regclass);


--
-- Name: task id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task ALTER COLUMN id SET DEFAULT nextval('public.task_id_seq'::regclass);


--
-- Name: task_database id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_database ALTER COLUMN id SET DEFAULT nextval('public.task_database_id_seq'::regclass);


--
-- Name: user_invitation id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation ALTER COLUMN id SET DEFAULT nextval('public.user_invitation_id_seq'::regclass);


--
-- Data for Name: access_token; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.access_token (id, user_id, name, token_hash, owner_version, method, has_second_factor, is_read_only, rules, created_at, expires_at, last_used_at) VALUES (1, 2, 'nightly', '0be38cbf473dbc75ffa39d737e110f733796a8f8013691ac89cd203c64b4cc31', 0, 'password', false, true, '[]', '2026-11-24 18:41:02.399356', '2036-11-21 18:41:02.399356', NULL);


--
-- Data for Name: algorithm_store; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.algorithm_store (id, name, url, is_for_all) VALUES (1, 'Reviewed', 'http://127.0.0.1:33309/api', false);


--
-- Data for Name: blob; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.blob (key, place, run_id, field, uploader_id, task_id, size, digest, created_at, settled_at) VALUES ('365fab8b-4afd-48fc-bd84-d51852afc70b', 'values', 13, 'input', 2, NULL, 6736, '20e2fba9749e2b2985751f71882fba6c3621d00d86ead0996a06c2ff910fb4c1', '2026-11-24 18:41:03.998833', '2026-11-24 18:41:04.018037');
INSERT INTO public.blob (key, place, run_id, field, uploader_id, task_id, size, digest, created_at, settled_at) VALUES ('c5a26631-9da1-4158-9ba6-e63d42bef4df', 'values', 13, 'result', 6, NULL, 6684, '817eb8d6f2b66c4a236b6a3abcf979f501991c82492dd5496d7c2d344ecbdacd', '2026-11-24 18:41:04.046721', '2026-11-24 18:41:04.061742');
INSERT INTO public.blob (key, place, run_id, field, uploader_id, task_id, size, digest, created_at, settled_at) VALUES ('2c1e4f16-5c45-4dbf-8b99-07c56706b008', 'blobs', 18, 'input', 2, NULL, 56, 'bce657b6fa33d359de8809e3276085aa2137d7933f0c8a3882c3b18d91e9e43f', '2026-11-24 18:41:14.548926', '2026-11-24 18:41:14.620773');
INSERT INTO public.blob (key, place, run_id, field, uploader_id, task_id, size, digest, created_at, settled_at) VALUES ('c1a36725-6c1c-49d2-9446-d8546bb8735b', 'blobs', 18, 'result', 6, NULL, 6684, '817eb8d6f2b66c4a236b6a3abcf979f501991c82492dd5496d7c2d344ecbdacd', '2026-11-24 18:41:14.656825', '2026-11-24 18:41:14.683244');
INSERT INTO public.blob (key, place, run_id, field, uploader_id, task_id, size, digest, created_at, settled_at) VALUES ('f79e2bf1-ed1d-4025-bf7b-1360e61eab39', 'blobs', 19, 'input', 2, NULL, 88, 'b868a21a1f9c5eee69235a1b13fa57c2cddd6591f2549c3e258890ace237fb5a', '2026-11-24 18:41:14.712678', '2026-11-24 18:41:14.73375');


--
-- Data for Name: collaboration; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.collaboration (id, name, encrypted, keep_inputs_days, keep_results_days, keep_logs_days, keep_blobs_days) VALUES (1, 'open', false, NULL, NULL, 3650, NULL);
INSERT INTO public.collaboration (id, name, encrypted, keep_inputs_days, keep_results_days, keep_logs_days, keep_blobs_days) VALUES (2, 'sealed', true, NULL, NULL, 3650, NULL);


--
-- Data for Name: external_identity; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.external_identity (id, user_id, issuer, subject, created_at, confirmed_at) VALUES (1, 8, '@ISSUER@', 'carol', '2026-11-24 18:41:03.214458', '2026-11-24 18:41:03.217575');


--
-- Data for Name: external_role; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.external_role (identity_id, role_id) VALUES (1, 5);


--
-- Data for Name: hanse_server_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.hanse_server_version (version_num) VALUES ('0001');


--
-- Data for Name: identity; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (3, 'user', NULL, NULL, NULL, 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (7, 'node', NULL, NULL, NULL, 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (8, 'user', NULL, NULL, NULL, 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (5, 'node', NULL, 'online', NULL, 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (1, 'user', NULL, NULL, '2026-11-24 18:41:14.843084', 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (2, 'user', NULL, NULL, '2026-11-24 18:41:14.72369', 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (6, 'node', NULL, NULL, '2026-11-24 18:41:14.675579', 0);
INSERT INTO public.identity (id, type, ip, status, last_seen, token_version) VALUES (4, 'user', NULL, NULL, NULL, 1);


--
-- Data for Name: job; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.job (id) VALUES (1);
INSERT INTO public.job (id) VALUES (2);
INSERT INTO public.job (id) VALUES (3);
INSERT INTO public.job (id) VALUES (4);
INSERT INTO public.job (id) VALUES (5);
INSERT INTO public.job (id) VALUES (6);
INSERT INTO public.job (id) VALUES (7);
INSERT INTO public.job (id) VALUES (8);
INSERT INTO public.job (id) VALUES (9);
INSERT INTO public.job (id) VALUES (10);
INSERT INTO public.job (id) VALUES (11);
INSERT INTO public.job (id) VALUES (12);
INSERT INTO public.job (id) VALUES (13);
INSERT INTO public.job (id) VALUES (14);
INSERT INTO public.job (id) VALUES (15);
INSERT INTO public.job (id) VALUES (16);
INSERT INTO public.job (id) VALUES (17);
INSERT INTO public.job (id) VALUES (18);


--
-- Data for Name: known_network; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.known_network (user_id, network, last_at) VALUES (1, '127.0.0.1', '2026-11-24 18:41:01.302824');
INSERT INTO public.known_network (user_id, network, last_at) VALUES (2, '127.0.0.1', '2026-11-24 18:41:02.379519');
INSERT INTO public.known_network (user_id, network, last_at) VALUES (3, '127.0.0.1', '2026-11-24 18:41:02.934138');


--
-- Data for Name: login_failures; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('bb7b32cf-46a3-4309-b755-b152bfc39bc6', 1, 'password', false, '2026-11-24 18:41:01.310054', '2026-11-24 18:41:01.310054', '2036-11-21 18:41:01.310054', 0, '2026-11-24 18:41:01.310054', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('e8430bae-cf6f-4df3-af8b-78815c8d028f', 2, 'password', true, '2026-11-24 18:41:02.383525', '2026-11-24 18:41:02.383525', '2036-11-21 18:41:02.383525', 0, '2026-11-24 18:41:02.383525', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('46a446c2-9061-4ec0-b8e5-3eecdd124893', 3, 'password', false, '2026-11-24 18:41:02.939905', '2026-11-24 18:41:02.939905', '2036-11-21 18:41:02.939905', 0, '2026-11-24 18:41:02.939905', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('bc8c1176-9c40-445c-8d83-d021f5ba5aef', 8, 'oidc:hospital', false, '2026-11-24 18:41:03.226417', '2026-11-24 18:41:03.226417', '2036-11-21 18:41:03.226417', 0, '2026-11-24 18:41:03.226417', NULL, '127.0.0.1', 'hanse-client/0.3.0', '1:MRCNiL6eipIqMtbEwxdr9CNgDGgOk4-IssHo5N-aHsGHkI0k-NZO3y_TJrcMnCIM8giKM_o3C-AVEu3Fc0CRuJBEb8pHQSLmmOjMOP4QVgm5NLwYSmhusKC4r5RshB2_Xcv95NGEcmQHM3mc2eu40YrZcG0zGa2dg-FDb09zRqnGPnJ2Q2D2CKPz9crxfSs0f1e4vk6E0BZqYUWpp3d89EKWC6QBoWQjRWOAOGpUE2a7xOaBQTxm6aJH');
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('263c92a5-e76f-412e-a8f3-01782dce6d13', 2, 'password', true, '2026-11-24 18:41:03.364742', '2026-11-24 18:41:03.364742', '2036-11-21 18:41:03.364742', 0, '2026-11-24 18:41:03.364742', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('72b4cad1-fa1a-427b-ab4d-2269338561b2', 2, 'password', true, '2026-11-24 18:41:05.060022', '2026-11-24 18:41:05.060022', '2036-11-21 18:41:05.060022', 0, '2026-11-24 18:41:05.060022', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('711906c9-ebd3-46e8-962f-f8d659be9c8e', 2, 'password', true, '2026-11-24 18:41:11.372881', '2026-11-24 18:41:11.431641', '2036-11-21 18:41:11.372881', 0, '2026-11-24 18:41:11.372881', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('d4c80c9a-a354-4b95-a6c0-04a3d9720769', 2, 'password', true, '2026-11-24 18:41:14.489959', '2026-11-24 18:41:14.72369', '2036-11-21 18:41:14.489959', 0, '2026-11-24 18:41:14.489959', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);
INSERT INTO public.login_session (id, identity_id, method, has_second_factor, created_at, last_used_at, ends_at, generation, rotated_at, revoked_at, ip, user_agent, external) VALUES ('d93a492b-e7a8-4170-83b3-2dcc795c3fce', 1, 'password', false, '2026-11-24 18:41:14.829761', '2026-11-24 18:41:14.843084', '2036-11-21 18:41:14.829761', 0, '2026-11-24 18:41:14.829761', NULL, '127.0.0.1', 'hanse-client/0.3.0', NULL);


--
-- Data for Name: member; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.member (collaboration_id, organization_id) VALUES (1, 2);
INSERT INTO public.member (collaboration_id, organization_id) VALUES (1, 3);
INSERT INTO public.member (collaboration_id, organization_id) VALUES (2, 2);
INSERT INTO public.member (collaboration_id, organization_id) VALUES (2, 3);


--
-- Data for Name: node; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.node (id, name, api_key_hash, api_key_bcrypt, organization_id, collaboration_id) VALUES (5, 'alpha', '61a9dbb60fb10cb1a0f4fb13726a4987b863c0bc3e295be0975e8aa264fff085', NULL, 2, 1);
INSERT INTO public.node (id, name, api_key_hash, api_key_bcrypt, organization_id, collaboration_id) VALUES (6, 'beta', '30a17bad4a7f0c33b8ea877ac94cfdeb0bfc402ee1f504191d4f7ab095cb026e', NULL, 3, 1);
INSERT INTO public.node (id, name, api_key_hash, api_key_bcrypt, organization_id, collaboration_id) VALUES (7, 'sealed', '4d00515ecc25ced1529228d8bdb39fe905c398afe89f19b0a11e0bdae413661d', NULL, 2, 2);


--
-- Data for Name: node_setting; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.node_setting (id, node_id, key, value) VALUES (1, 5, 'encryption', 'false');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (2, 5, 'database_labels', 'default');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (3, 5, 'db_type_default', 'csv');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (4, 5, 'columns_default', 'age');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (5, 5, 'columns_default', 'sex');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (6, 5, 'allowed_algorithms', 'hanse/summary');
INSERT INTO public.node_setting (id, node_id, key, value) VALUES (7, 5, 'allowed_algorithms', 'hanse/misbehaving');


--
-- Data for Name: organization; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.organization (id, name, domain, address1, address2, zipcode, country, public_key, two_factor_required) VALUES (1, 'root', '', '', NULL, '', '', '', false);
INSERT INTO public.organization (id, name, domain, address1, address2, zipcode, country, public_key, two_factor_required) VALUES (3, 'beta', '', '', NULL, '', '', '', false);
INSERT INTO public.organization (id, name, domain, address1, address2, zipcode, country, public_key, two_factor_required) VALUES (4, 'guest', '', '', NULL, '', '', '', false);
INSERT INTO public.organization (id, name, domain, address1, address2, zipcode, country, public_key, two_factor_required) VALUES (2, 'alpha', '', '', NULL, '', '', 'LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQ0lqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FnOEFNSUlDQ2dLQ0FnRUFodTc3aHIvdGxyK0huV1B0T3hNSgp4VEprNFhnbFFiTE5sU25IUSs3amova3pNTDJHSXJIb1NqSDNBREZvOVFyUTkvQURWcEQ3VDhrc01udzVEZlY4ClZvbnNSRUwwbDlWRWpVR3BIZSthUHE0MDY1Y3JjV3VFS0pQbFFJZndVczBQL0Vvb2NUeXNHTjliaVpxeTdGR0sKbGtpVjJ0Mm9BeFhVSU83RGNVc2JGczkrSVMyNDdBSEl3azU5M0lJT0dQcGxxVnEwOWVRdmJ5aE0ybkFnclBkcApQMUcrT0diTmY3NTNndGw5S1M3NjhjSmhGQmpUeEZjS0VaNzYwaEpMOVIya29ndnlidlgzZG05bytPOXkxNFZICkI3aSs5M2d4U0h5RHRwaHMwR0txRGZERWE3c1dqM2RJanVucnIxVTg3VHljeXdhcnIweG80WDZGTWwxTGFDOVEKL2p5MUN5TGtFcHV1MnBnVmI1Mk4xb1lxZVlsR2JKVDhmdjVQZUlkbklUR1pMOW1NQWlIUER6Yy9ETHRsQ3dWeApldmtjY2ZqMk1pVzdxUGc2MXZ5TTJyRDRLWEkrdVVRZkx4SEluUVZJVGtOMDBnbFZJeFBxUnVtY3RHbWk4d0haCnNiNHZYS0NtN0JudUp5akl6dWtuVWljT3lQaVJOQlh6R2x2YTZZL3hscjJMdVE4bTBRdGtiLzJBc1BoczVWTUIKdmNoK3VxMHo0TnU0QVpUWDMxUXdkVDN1cUlvM2lyUjhUM0JCcmNyMVl5VjFyMU5odHlzR0Z0N2FIZmZXcHV1RwozWHB1MlpRbVpaMjNtem11N0dmNWxTL0RNc0xBTHE3RWVJL3p5cjE5ZVBTMGV6L2drWjRJVTRUVmE4Z3FEWXVLCkl2M2JYeFdUT0lWMGJBYUREMjIyTmYwQ0F3RUFBUT09Ci0tLS0tRU5EIFBVQkxJQyBLRVktLS0tLQo=', false);


--
-- Data for Name: organization_invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.organization_invitation (id, collaboration_id, organization_name, organization_id, inviter_id, state, created_at, expires_at, mailed_at) VALUES (1, 1, 'guest', 4, 1, 'pending', '2026-11-24 18:41:01.88933', '2036-11-21 18:41:01.88933', '2026-11-24 18:41:01.88933');


--
-- Data for Name: outbox_event; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox_event (id, name, data, rooms, created_at) VALUES (59, 'identity_revoked', '{"id": 4}', '[]', '2026-11-24 18:41:16.609891');


--
-- Data for Name: queued_mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.queued_mail (id, sealed, due_at, until, attempts) VALUES (1, '1:98Hiicj68x93CKw8yMLBTqoBg0_G17g-0FArR7vUAQ1J38S5aAYuoFLG40xPRuq_DmIofxEMANsfJ3bLdduF8p6GJ2tqkU4vdHE9ZjgA9_GEVymfzmpxZrM6-3E_A9msERnaxWFRmoBXupENptVifIxna9_NlqWYQ_MtXfbaQTqJ7K0YOESfrcoc6l88OMNRq1g2iYtZ98MdubFMYyjy4OE1wrIN1cqkzEvqc74o2qTvETRQRgp4eisPm8TFXoAG2VKkPmASXrpWKuqpVbuuzQXxhbCJzqfR42DFkef3Q3f_a5GShIqU_tcB73Xygt0--Gg3eEUG6EwQ1Myc9vKT8_ool52bk65jZ8ufPJTpmExtyipkT1_OAjvJaRPyfzTSZCnysQGJwGiUoSZ2dohpxc1773z0mgYiqiIWv2w0Hs2M9WooWcFmBcr1UG9M96mYWpxIZ2WZRh4ld_4Wc-3umHvbtc1WbNLWbX9-SDjp5XtNEoBjY7bwJ1le3tm8JFZB50lnsNk26ktRARyQQ2bCYDKqmZDITv27lR7h7WSC1oXla3OKOR_wsGzFb_ASrHxrvBzOwqQynsGNkh6bqbU3OaJKhTsJPn8mhEb1vGntRAR6Xdm6aWhjrSUavoKF9aMEeXNShSJaKuxUCkDpwi0lT97V0boDNWO6ZssXF1w2vSPGB0CHGXFZj6nXLDGn3ZXMQeYP3On7gPCde5Xjng1UAn3sLJe7PaLDE7cnZ_fhSx9CHUlJCDAhT_0Q3uQfXzxJflhWpEktkoiDqDHf7ucdMSccjIPyoKK1wNcv4grNZo8Lzp6ynI0xBIUBrlm7jY_iWTdx4C7Ij2y0cbJJfJWmigChDfSBl6PyUDGN8wAwT_UxCGyFKGrhbJwv0ZZKjrJGJsWfBdK2wmXyt33XndT8bakKjO1i-Jo9gyk-xjRzqheNYyH4tLOjTvxFcfumgdM8fnFq6ul_1StKIWvHBLQnVh7cMapj6YdKtOeTq6WnHH49YXGxqok7_rohq2eeKDxwX_a_IO-JnQq9ZgPa4iVnQUGDHY3J1-RtdL0OXjg8SXlNU8mX4Tjp8MqareuJD24jQSLsfeL97pfFemi-wiZNIhhIErKfD4ghTwuIdUaXkAyFptPzOGv9sOHFAP3Y92qCI2eUYRPMV6mt9sHC3kbN17LPZ4LLMHEnZxVnCJl4lK5uMh-8sJZGlycmt_Q0tnL2AIIe8Td9PBA_LbAVttAdCW4Kr161Hcvpa_TZDyMXyEjSpb_5k7u_Z9NBDYyUpH_0F5yux-W-drtMIj4WktHOf6hKWR4IYN5ahCoOKWKK1ks3XIx80cBilB4xm60RDluqP9v8NbHxYSsjKs6Dkmng2wpKKHh1JJ7EqjA1IUN0F6g44h7Z0UbOtqdTKyz3AFteTSK4zK-HdwR59Qzl63ZISuek1Z5mZ8o5dfj7R7-BxWwWRw==', '2026-11-24 18:41:31.880188', '2036-11-21 18:41:01.855817', 1);
INSERT INTO public.queued_mail (id, sealed, due_at, until, attempts) VALUES (2, '1:yacMkTUy5CcHd_HG13vGEK5JOwvR4x2yyOtKqwkMm8-zw1La8Kcxcn39tb4JD5mRmmFgO57-9VIu9r6lz3TZCzIXTQcy9_C5tjvc30j-e231N1dpG5yeovxpRi8fiKB_oi5vYczXT_wYjnDvI4Q4bJepMDbewwPDIgEhAMoxBx1SG6fSWBsuVfPF_ll1ah1202vErNyTxuaZRnwB1BtWRA1SfNM76Tsn74Rbur2O0Xd7l5P6qIE5mRzHdbEO7hVuV3L0eNPv-Cd8weOZZMqbJOES14vH2h4ErLcHqJEtBNyR1GKvl5C8vNUXempiSu1NR_pd6PKTTly87bJd-k1wDntseVskhoMsZ7dFxDF5X3EJwTB7MJD8Op8My_1Ti-gvI6lWZEtt-QaFlN3b8JjNzt7bxrXtuYyw0x_RrHJT7ah119UNRzCmYtbwFD8hkKp-i9kdKEv6uXjMaAAGi45J2LtU-VUtK1GEGpGKMlWzJgR7UM7vUCNwWBG2ZUtVCS91rSJWNUxf0hgfszc8Hu1vBVSOYnEgR985KZ8_5lnWk6ApHfpBmo4iStQIYGT1h5kkqVkksbzFYHJk1PQSiXm63g8umIDdTTmJg29g0ZsbSfw0r5YI3YVrPYXgzHmXblOJASYTlYHWK6sWsNiJ0ZWvfbSuOyjvjBbdEgJkxpdkXZ9iwbHOLV5yR1Qq2qjpdUbZh7puGoZZ5IXH8s4pdgUhpDs_xZiMVnHwFxTDf946ksu8E8TR08q2UumSS9_EEsJcM7Iw4m-XdMGgtWv1T0svcgwm5B4KiGXmLkfiiHgp2VPyitz8PhkBPSKGvvwfzRUAbTbI-pIF6wyFcPsZ7_Z_Gt3FED0AqjW4Fp8GYSO378mpiQVK8inuDPtUCypr3l3QBQDpa_90QcEx9AJKOROHdEEkF8X6__pHFXdwL1HAITU2qbZcgfKdVsnyQEJpPhzyJXDC9-jR4oNfB9vRYn61l7IfDURxU13SE9ugTQhBBTj_RgYbH6WqHK1nV5gqh1kHc9blZXTUKVRME09JZfNbMjenHlIWj2jjFIDpkFUUig3hg0PQUCgkQW6tJhjieQijVomILNjmNE08Nu6aN23Smpa2Sq4K', '2026-11-24 18:41:32.489941', '2026-11-25 18:41:02.477049', 1);


--
-- Data for Name: recovery_code; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'd8991f01fe51d3d0a19bf5dccc04e451e42499b3b65ca2405eb3fdec6f92dc0c');
INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'ffb238f33ecdacc81918403f9bb88f3600b4cc68f180381debf932bb1d4374ad');
INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'a31dbb7426c2d1c4e398995fe1c3754500e6d981dd28fd06e9e2bd9533c4e43f');
INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'f1d1e482cc6b80350c1654a8a3cf0478e81610b8ea13e8507b91484acf6d301e');
INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'e733f7bd69677eee7f79fad3af10bd828f0a2881cb3ecbe8e35feb2edc3b3121');
INSERT INTO public.recovery_code (user_id, code_hash) VALUES (2, 'b35a08402d93aae8b0f961ba76e4c59ead79757608d88c865b2d2517058f5ce7');


--
-- Data for Name: recovery_token; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: role; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (1, 'Root', 'May do everything, everywhere', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (2, 'container', 'What an algorithm container may do', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (3, 'node', 'What a node may do', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (4, 'Viewer', 'May look at the own organization and its collaborations', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (5, 'Researcher', 'May also run analyses', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (6, 'Organization Admin', 'May manage the own organization, its users and nodes', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (7, 'Collaboration Admin', 'May also manage the collaboration', NULL, true);
INSERT INTO public.role (id, name, description, organization_id, is_default_role) VALUES (8, 'Curator', '', 2, false);


--
-- Data for Name: role_rule; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.role_rule (role_id, rule_id) VALUES (8, 28);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (8, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 27);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 53);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 70);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 26);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 46);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 75);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 16);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 38);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 40);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 5);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 59);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 71);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 31);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 64);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 37);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 35);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 80);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 4);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 68);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 20);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 63);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 43);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 86);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 73);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 24);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 84);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 82);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 61);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 65);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 52);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 45);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 15);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 50);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 6);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 60);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 19);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 76);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 11);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 23);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 8);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 32);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 56);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 67);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 17);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 42);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 54);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 47);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 74);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 41);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 85);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 10);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 83);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 7);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 66);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 30);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 36);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 51);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 72);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 2);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 28);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 81);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 58);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 13);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 34);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 49);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 44);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 79);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 18);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 62);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 48);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 78);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 1);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 12);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 25);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 9);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 33);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 57);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 55);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (1, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (2, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 6);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 24);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (3, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 58);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 70);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 51);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 44);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 2);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 55);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 71);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (4, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 58);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 33);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 70);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 51);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 44);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 36);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 2);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 55);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 71);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (5, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 70);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 51);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 73);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 2);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 24);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 58);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 67);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 61);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 44);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 71);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 54);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 47);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 64);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 50);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 9);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 6);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 55);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (6, 77);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 20);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 43);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 70);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 51);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 73);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 36);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 2);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 46);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 24);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 16);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 11);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 8);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 58);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 49);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 67);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 61);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 44);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 71);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 54);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 14);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 22);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 47);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 64);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 74);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 3);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 50);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 78);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 29);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 25);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 85);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 69);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 9);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 83);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 33);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 39);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 57);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 6);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 80);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 55);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 21);
INSERT INTO public.role_rule (role_id, rule_id) VALUES (7, 77);


--
-- Data for Name: rule; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rule (id, name, scope, operation, description) VALUES (1, 'node', 4, 'v', 'View nodes of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (2, 'node', 3, 'v', 'View nodes of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (3, 'node', 2, 'v', 'View nodes of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (4, 'node', 4, 'e', 'Edit nodes of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (5, 'node', 3, 'e', 'Edit nodes of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (6, 'node', 2, 'e', 'Edit nodes of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (7, 'node', 4, 'c', 'Create nodes of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (8, 'node', 3, 'c', 'Create nodes of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (9, 'node', 2, 'c', 'Create nodes of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (10, 'node', 4, 'd', 'Delete nodes of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (11, 'node', 3, 'd', 'Delete nodes of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (12, 'node', 2, 'd', 'Delete nodes of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (13, 'collaboration', 4, 'v', 'View collaborations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (14, 'collaboration', 2, 'v', 'View collaborations of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (15, 'collaboration', 4, 'e', 'Edit collaborations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (16, 'collaboration', 3, 'e', 'Edit collaborations of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (17, 'collaboration', 4, 'c', 'Create collaborations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (18, 'collaboration', 4, 'd', 'Delete collaborations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (19, 'collaboration', 3, 'd', 'Delete collaborations of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (20, 'organization', 4, 'v', 'View organizations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (21, 'organization', 2, 'v', 'View organizations of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (22, 'organization', 3, 'v', 'View organizations of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (23, 'organization', 4, 'e', 'Edit organizations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (24, 'organization', 2, 'e', 'Edit organizations of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (25, 'organization', 3, 'e', 'Edit organizations of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (26, 'organization', 4, 'c', 'Create organizations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (27, 'organization', 4, 'd', 'Delete organizations of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (28, 'task', 4, 'v', 'View tasks of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (29, 'task', 3, 'v', 'View tasks of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (30, 'task', 2, 'v', 'View tasks of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (31, 'task', 1, 'v', 'View tasks of one''s own');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (32, 'task', 4, 'c', 'Create tasks of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (33, 'task', 3, 'c', 'Create tasks of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (34, 'task', 4, 'd', 'Delete tasks of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (35, 'task', 3, 'd', 'Delete tasks of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (36, 'task', 2, 'd', 'Delete tasks of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (37, 'task', 1, 'd', 'Delete tasks of one''s own');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (38, 'run', 4, 'v', 'View runs of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (39, 'run', 3, 'v', 'View runs of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (40, 'run', 2, 'v', 'View runs of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (41, 'run', 1, 'v', 'View runs of one''s own');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (42, 'user', 4, 'v', 'View users of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (43, 'user', 3, 'v', 'View users of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (44, 'user', 2, 'v', 'View users of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (45, 'user', 4, 'c', 'Create users of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (46, 'user', 3, 'c', 'Create users of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (47, 'user', 2, 'c', 'Create users of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (48, 'user', 4, 'e', 'Edit users of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (49, 'user', 3, 'e', 'Edit users of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (50, 'user', 2, 'e', 'Edit users of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (51, 'user', 1, 'e', 'Edit users of one''s own');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (52, 'user', 4, 'd', 'Delete users of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (53, 'user', 3, 'd', 'Delete users of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (54, 'user', 2, 'd', 'Delete users of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (55, 'user', 1, 'd', 'Delete users of one''s own');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (56, 'role', 4, 'v', 'View roles of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (57, 'role', 3, 'v', 'View roles of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (58, 'role', 2, 'v', 'View roles of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (59, 'role', 4, 'c', 'Create roles of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (60, 'role', 3, 'c', 'Create roles of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (61, 'role', 2, 'c', 'Create roles of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (62, 'role', 4, 'e', 'Edit roles of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (63, 'role', 3, 'e', 'Edit roles of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (64, 'role', 2, 'e', 'Edit roles of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (65, 'role', 4, 'd', 'Delete roles of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (66, 'role', 3, 'd', 'Delete roles of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (67, 'role', 2, 'd', 'Delete roles of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (68, 'port', 4, 'v', 'View ports of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (69, 'port', 2, 'v', 'View ports of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (70, 'event', 2, 'r', 'Receive events of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (71, 'event', 3, 'r', 'Receive events of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (72, 'event', 4, 'r', 'Receive events of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (73, 'event', 2, 's', 'Send events of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (74, 'event', 3, 's', 'Send events of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (75, 'event', 4, 's', 'Send events of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (76, 'study', 4, 'v', 'View studys of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (77, 'study', 2, 'v', 'View studys of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (78, 'study', 3, 'v', 'View studys of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (79, 'study', 4, 'e', 'Edit studys of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (80, 'study', 3, 'e', 'Edit studys of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (81, 'study', 2, 'e', 'Edit studys of one''s own organization');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (82, 'study', 4, 'c', 'Create studys of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (83, 'study', 3, 'c', 'Create studys of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (84, 'study', 4, 'd', 'Delete studys of everybody');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (85, 'study', 3, 'd', 'Delete studys of the organizations one collaborates with');
INSERT INTO public.rule (id, name, scope, operation, description) VALUES (86, 'study', 2, 'd', 'Delete studys of one''s own organization');


--
-- Data for Name: run; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (1, 1, 3, 'pending', 0, '2026-11-24 18:41:03.421801', NULL, NULL, NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (2, 2, 3, 'pending', 0, '2026-11-24 18:41:03.469757', NULL, NULL, NULL, false, 'eyJtZXRob2QiOiAicGFydGlhbCJ9', NULL, NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (3, 3, 3, 'initializing', 1, '2026-11-24 18:41:03.493326', '2026-01-02 03:04:05.000006', NULL, NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is initializing', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (4, 4, 3, 'active', 1, '2026-11-24 18:41:03.541007', '2026-01-02 03:04:05.000006', NULL, NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is active', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (5, 5, 3, 'completed', 1, '2026-11-24 18:41:03.584799', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', 'eyJtZWFuIjogNjEuNX0=', 'all is well', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (6, 6, 3, 'failed', 1, '2026-11-24 18:41:03.633426', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is failed', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (7, 7, 3, 'start failed', 1, '2026-11-24 18:41:03.678562', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is start failed', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (8, 8, 3, 'non-existing Docker image', 1, '2026-11-24 18:41:03.742007', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is non-existing Docker image', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (9, 9, 3, 'crashed', 1, '2026-11-24 18:41:03.797527', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is crashed', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (10, 10, 3, 'killed by user', 1, '2026-11-24 18:41:03.84851', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is killed by user', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (11, 11, 3, 'not allowed', 1, '2026-11-24 18:41:03.898402', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is not allowed', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (12, 12, 3, 'unknown error', 1, '2026-11-24 18:41:03.948715', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'eyJtZXRob2QiOiAibSIsICJhcmdzIjogW10sICJrd2FyZ3MiOiB7fX0=', NULL, 'it is unknown error', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (13, 13, 3, 'completed', 1, '2026-11-24 18:41:04.01688', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, NULL, NULL, NULL, '365fab8b-4afd-48fc-bd84-d51852afc70b', 'c5a26631-9da1-4158-9ba6-e63d42bef4df');
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (14, 14, 2, 'completed', 1, '2026-11-24 18:41:04.423409', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, false, 'ZLX4+lhdyFaElZo5oa5C8tjAcPS+Zhb/Pd2ROGsUrJ2gvj5sqxVU+XrpcleGhZ4ii6kLvPEwJL64BDJTbxYf6TLCXslPQYiDBrZu3YxdwajVoYIUd9PfSDJIccbSsqsjLjAGYh3jNPlK35PQW0Aaks8Cs2O2lr+xdUEH+h8fMH60z+EKEFuqffdHnSjhjjHx93lj+Yhua3oXDqF0iqKZZ+tAJT9Nju6k1vk7AYdK8L+q/4IhMle1OzZY7CdMuZf+Tv9ZoPxCsZm9ypmXVwOOR/Zf2UGdFr6NAUQE+8FVx7s5YKDE9Jlb4hbXI5jAKa2jo2GjRpUtF3qmV9qmTBNb6Y1ZGfTZseObcSzslA9o0y5nyD4Jy/3rAaEI1HNVhTMQpdBlZYZ8J5gvg/Qcg7wS1KK3GJ0nRprTTvKN/HjxKXGrUqpeFzzKDbpbCXVbj2+DSrEFeJ50bZnmhXDWSDrXR8mkp0tC8N/8B9VPbyu9luRqSSTDT/pFvWx5R5PbjKkxawfqgZ4ApsycCLvA4llrEboJR5T9uBbgHsHftHaALTsNHUzrhvH9c8ntwg3bS2VWx89uW+TL9gxGQ3bBea66iSKQ2tSSabQ5FLbKHYNIytPXRCdlVqiorngoKyUuUjr2xB0mOL64k03nO2X/p3e2AdZgKfikmNEndpqPbU+VNU4=$W+vAktTjKRbxZvrtrVB/Ww==$XQkUgI/A30jaAWJliraStUBZJ1McbkRsc8EToYX76QtNmiIKk5NrxbwdoDqwbXo=', 'Y0dXOxVh5vF6DpqXWSEEb8e7PqTaf7aKpuFXrgq9vl6wjHohs0Q9ZuSY1RyW1ufqSKazP/IGS2u97tdX1RHELmn9yB6ngvMGfzeezD1UGuTG8B8m/ZBHMzLEnN6A72adGXV2iFj9nL7j6D9cyxum/jR3YSRAPWgZiqYkHE2EY2nsvF4m1WKkxfgZiPjWa3RZJ3RpUUhSEgviBsVj31FlcLhy9uqRbc1TdN/9YoveuaL6YsJ+eit8tHZRslE4BsTZgW+EUfbHDTDteD83vyMjOIaz2FptjwqNY/P9kib8DaiWNhmJwqitBwlGvEOUcqhI5DsqskUQFd89imRGiS/IClyu3RVPiCYh/8ZPJO1LAETzAuiIOJZspNe19ys2IT3Sn3Lnt9a27vh2hP80IpT7nyZwzZ8ODLKbrchjCCBHaTKK8pK5orSIiK8lq9DJ+KDLz+eMemAPWG/Bm8pJC47BbfOWYXtXFVD3/bH/z4qQZPEYq2/1gyRnaixbNlVhn644xo0W9CspSv2cw/5FPHvA0z3r3ofYhxKaQGXHcF7e7xIDqKkSiH6uNYVno1DRmaBkoYIvB8oYhIBDEqNG79gmI+h0rhN3VxiFgLG7qSDI1iOQy2C6/PtdMxPYpnumNq334cioWxLr3Gq1HIF82rqUNsLxjbAf0hFTfIc68Beu2xQ=$E8BD9s1O58/9Y3v1+5mgJw==$ygUfk/HwnrpvLvWVufVPyg==', NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (15, 15, 2, 'completed', 3, '2026-11-24 18:41:05.12431', '2026-11-24 18:41:05.856727', '2026-11-24 18:41:06.673932', NULL, false, 'eyJtZXRob2QiOiAidG90YWxzIiwgImFyZ3MiOiBbXSwgImt3YXJncyI6IHsiY29sdW1ucyI6IFsiYWdlIl19fQ==', 'W3siZ3JvdXAiOm51bGwsInJvd3MiOjQwLCJjb2x1bW5zIjp7ImFnZSI6eyJraW5kIjoibnVtYmVyIiwiY291bnQiOjQwLCJtaXNzaW5nIjowLCJzdW0iOjE5ODAuMCwibWluIjozMC4wLCJtYXgiOjY5LjB9fX1d', '', NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (16, 16, 2, 'active', 2, '2026-11-24 18:41:06.757742', '2026-11-24 18:41:06.789154', NULL, NULL, false, 'eyJtZXRob2QiOiAid2FpdHMiLCAiYXJncyI6IFtdLCAia3dhcmdzIjogeyJzZWNvbmRzIjogMS41fX0=', NULL, NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (17, 17, 2, 'pending', 0, '2026-11-24 18:41:11.45324', NULL, NULL, NULL, false, 'eyJtZXRob2QiOiAidG90YWxzIiwgImFyZ3MiOiBbXSwgImt3YXJncyI6IHsiY29sdW1ucyI6IFsiYWdlIl19fQ==', NULL, NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (18, 18, 3, 'completed', 1, '2026-11-24 18:41:14.616661', '2026-01-02 03:04:05.000006', '2026-01-02 03:05:06.000007', NULL, true, '2c1e4f16-5c45-4dbf-8b99-07c56706b008', 'c1a36725-6c1c-49d2-9446-d8546bb8735b', NULL, NULL, NULL);
INSERT INTO public.run (id, task_id, organization_id, status, version, assigned_at, started_at, finished_at, cleanup_at, blob_storage_used, input, result, log, input_key, result_key) VALUES (19, 19, 2, 'pending', 0, '2026-11-24 18:41:14.732085', NULL, NULL, NULL, true, 'f79e2bf1-ed1d-4025-bf7b-1360e61eab39', NULL, NULL, NULL, NULL);


--
-- Data for Name: run_port; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: store_collaboration; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.store_collaboration (store_id, collaboration_id, url) VALUES (1, 1, 'http://127.0.0.1:33309/api');


--
-- Data for Name: study; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.study (id, name, collaboration_id) VALUES (1, 'pair', 1);


--
-- Data for Name: study_member; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.study_member (study_id, organization_id) VALUES (1, 2);
INSERT INTO public.study_member (study_id, organization_id) VALUES (1, 3);


--
-- Data for Name: task; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (1, 'pending', '', 'registry.example/algo:1', 1, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.417221', 'user:2:b163dfd8-ef84-4521-839d-e5e5c7835b9a', 'pending', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (2, 'child', '', 'registry.example/algo:1', 1, 1, 1, 1, 3, 2, NULL, '2026-11-24 18:41:03.466666', NULL, 'pending', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (3, 'initializing', '', 'registry.example/algo:1', 2, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.49231', 'user:2:f5e415de-2f1d-40b0-a9bc-9ed0670bb80b', 'initializing', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (4, 'active', '', 'registry.example/algo:1', 3, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.53999', 'user:2:0a73e256-bb8c-46ae-8eb0-d5e751570b5f', 'active', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (15, 'totals', '', 'hanse/summary', 14, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:05.117373', 'user:2:eeb24c05-6ab6-46b9-adcd-16b6dfb01faf', 'completed', '2026-11-24 18:41:06.673932');
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (5, 'completed', '', 'registry.example/algo:1', 4, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.583288', 'user:2:19987173-e910-4bee-b309-7b8bce1afa81', 'completed', '2026-01-02 03:05:06.000007');
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (6, 'failed', '', 'registry.example/algo:1', 5, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.632121', 'user:2:478ece1f-10af-490f-8bf9-4dcf3173a6f9', 'failed', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (7, 'start failed', '', 'registry.example/algo:1', 6, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.677603', 'user:2:b4b68768-2e07-42ca-814b-acbd75b26043', 'start failed', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (16, 'pending result', '', 'hanse/misbehaving', 15, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:06.757191', 'user:2:79c50721-c2f5-4fc0-b33c-3b13619d8eeb', 'active', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (8, 'non-existing Docker image', '', 'registry.example/algo:1', 7, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.740291', 'user:2:73b891fb-a7ef-41ce-a1c3-a11efe0a0055', 'non-existing Docker image', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (9, 'crashed', '', 'registry.example/algo:1', 8, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.796111', 'user:2:a394bc3c-0bff-4790-ae00-e8e8e6356e16', 'crashed', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (17, 'waits for the node', '', 'hanse/summary', 16, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:11.447579', 'user:2:1925fadd-44eb-4b0d-a8e2-6209ed32a77c', 'pending', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (10, 'killed by user', '', 'registry.example/algo:1', 9, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.847342', 'user:2:a4381936-ca86-41a4-be27-064960f26072', 'killed by user', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (11, 'not allowed', '', 'registry.example/algo:1', 10, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.897084', 'user:2:689652fb-0cd3-424b-a155-f2fc7c3161d2', 'not allowed', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (12, 'unknown error', '', 'registry.example/algo:1', 11, 1, 1, NULL, 2, 2, NULL, '2026-11-24 18:41:03.947184', 'user:2:2c2981f9-c95e-4540-bcfb-49eacf3fa4aa', 'unknown error', NULL);
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (18, 'm', '', 'i', 17, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:14.610804', 'user:2:9703408f-01e6-4d51-b58e-80f50fb206a7', 'completed', '2026-01-02 03:05:06.000007');
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (13, 'm', '', 'i', 12, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:04.016068', 'user:2:5cbee68c-af95-44ab-987b-732ceb50b008', 'completed', '2026-01-02 03:05:06.000007');
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (14, 'm', '', 'i', 13, 2, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:04.422385', 'user:2:b0d14bf2-09f7-4d81-a42d-d58495976ae0', 'completed', '2026-01-02 03:05:06.000007');
INSERT INTO public.task (id, name, description, image, job_id, collaboration_id, study_id, parent_id, init_org_id, init_user_id, algorithm_store_id, created_at, idempotency_key, status, finished_at) VALUES (19, 'with a blob', '', 'hanse/summary', 18, 1, NULL, NULL, 2, 2, NULL, '2026-11-24 18:41:14.730231', 'user:2:b8cb9b46-3bad-4a80-b8cd-a15269717ec5', 'pending', NULL);


--
-- Data for Name: task_count; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (1, 1, 3, 2, 0, 1);
INSERT INTO public.task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (1, 1, 2, 2, 1, 11);
INSERT INTO public.task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (2, 0, 2, 2, 1, 1);
INSERT INTO public.task_count (collaboration_id, study_id, init_org_id, init_user_id, is_user_created, total) VALUES (1, 0, 2, 2, 1, 6);


--
-- Data for Name: task_database; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (1, 1, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (2, 2, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (3, 3, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (4, 4, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (5, 5, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (6, 6, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (7, 7, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (8, 8, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (9, 9, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (10, 10, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (11, 11, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (12, 12, 'default', '{"query":"SELECT 1"}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (13, 13, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (14, 14, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (15, 15, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (16, 17, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (17, 18, 'default', '{}');
INSERT INTO public.task_database (id, task_id, label, parameters) VALUES (18, 19, 'default', '{}');


--
-- Data for Name: user_account; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_account (id, username, email, password, firstname, lastname, organization_id, failed_login_attempts, last_login_attempt, last_email_failed_login_sent, last_email_recover_password_sent, last_email_second_factor_sent, otp_secret, otp_last_step) VALUES (1, 'root', 'root@domain.ext', '$argon2id$v=19$m=19456,t=2,p=1$jg7XTbrw0zYbwUK7nBNqcA$KoAbIvXtBXoBJt7GlgiFg7ZfvqyfhR0XjTMhL8vJ+mA', '', '', 1, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.user_account (id, username, email, password, firstname, lastname, organization_id, failed_login_attempts, last_login_attempt, last_email_failed_login_sent, last_email_recover_password_sent, last_email_second_factor_sent, otp_secret, otp_last_step) VALUES (2, 'alice', 'alice@example.org', '$argon2id$v=19$m=19456,t=2,p=1$P70qglqFr5qUrUNC6t1b6w$RUmwzeJdkrupcnemjUdQnGOuB54D8amPdOOxm2pGH+4', '', '', 2, 0, NULL, NULL, NULL, NULL, '1:I3ZK00Qeffdzq3ff9S9Di0MKPFDK0I2rAeR_54qpFI88iKAc_3Rl5A55pLcQOAaEH1GkQEpjuz8qXqda', 59851522);
INSERT INTO public.user_account (id, username, email, password, firstname, lastname, organization_id, failed_login_attempts, last_login_attempt, last_email_failed_login_sent, last_email_recover_password_sent, last_email_second_factor_sent, otp_secret, otp_last_step) VALUES (3, 'bob', 'bob@example.org', '$argon2id$v=19$m=19456,t=2,p=1$Z4gXVOUQj/uKJe00SR9FLA$KwxqlSBmiBZK4p25+aehuDO+NyT1uxa21KsljdKGl4M', '', '', 3, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.user_account (id, username, email, password, firstname, lastname, organization_id, failed_login_attempts, last_login_attempt, last_email_failed_login_sent, last_email_recover_password_sent, last_email_second_factor_sent, otp_secret, otp_last_step) VALUES (8, 'carol', 'b86ef58e5208cb4ffa9bfaf3@hospital.invalid', '!', 'Carol', '', 2, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.user_account (id, username, email, password, firstname, lastname, organization_id, failed_login_attempts, last_login_attempt, last_email_failed_login_sent, last_email_recover_password_sent, last_email_second_factor_sent, otp_secret, otp_last_step) VALUES (4, 'dave', 'dave@example.org', '$argon2id$v=19$m=19456,t=2,p=1$QwDhdd9XQiBQj6LWlLAFrw$id5jI9bP6+PNM9JXXWBxtlbHuA7bdzecteLsOp2hkPs', '', '', 3, 0, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: user_invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_invitation (id, email, organization_id, inviter_id, roles, rules, token_hash, created_at, expires_at) VALUES (1, 'erin@example.org', 2, 1, '[5]', '[]', '6d49272d634f20f1e89c6cdbb9733e942d87649b5832f99dc7e7b78c6df8a7b7', '2026-11-24 18:41:01.8373', '2036-11-21 18:41:01.8373');


--
-- Data for Name: user_role; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_role (user_id, role_id) VALUES (1, 1);
INSERT INTO public.user_role (user_id, role_id) VALUES (2, 5);
INSERT INTO public.user_role (user_id, role_id) VALUES (2, 6);
INSERT INTO public.user_role (user_id, role_id) VALUES (2, 8);
INSERT INTO public.user_role (user_id, role_id) VALUES (3, 5);
INSERT INTO public.user_role (user_id, role_id) VALUES (3, 6);
INSERT INTO public.user_role (user_id, role_id) VALUES (4, 5);
INSERT INTO public.user_role (user_id, role_id) VALUES (4, 6);
INSERT INTO public.user_role (user_id, role_id) VALUES (8, 5);


--
-- Data for Name: user_rule; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: v4_secret; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Name: access_token_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.access_token_id_seq', 1, true);


--
-- Name: algorithm_store_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.algorithm_store_id_seq', 1, true);


--
-- Name: collaboration_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.collaboration_id_seq', 2, true);


--
-- Name: external_identity_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.external_identity_id_seq', 1, true);


--
-- Name: identity_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.identity_id_seq', 8, true);


--
-- Name: job_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.job_id_seq', 18, true);


--
-- Name: node_setting_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.node_setting_id_seq', 7, true);


--
-- Name: organization_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.organization_id_seq', 4, true);


--
-- Name: organization_invitation_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.organization_invitation_id_seq', 1, true);


--
-- Name: outbox_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_event_id_seq', 59, true);


--
-- Name: queued_mail_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.queued_mail_id_seq', 2, true);


--
-- Name: role_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.role_id_seq', 8, true);


--
-- Name: rule_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.rule_id_seq', 86, true);


--
-- Name: run_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.run_id_seq', 19, true);


--
-- Name: run_port_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.run_port_id_seq', 1, false);


--
-- Name: study_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.study_id_seq', 1, true);


--
-- Name: task_database_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.task_database_id_seq', 18, true);


--
-- Name: task_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.task_id_seq', 19, true);


--
-- Name: user_invitation_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.user_invitation_id_seq', 1, true);


--
-- Name: hanse_server_version hanse_server_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hanse_server_version
    ADD CONSTRAINT hanse_server_version_pkc PRIMARY KEY (version_num);


--
-- Name: access_token pk_access_token; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT pk_access_token PRIMARY KEY (id);


--
-- Name: algorithm_store pk_algorithm_store; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.algorithm_store
    ADD CONSTRAINT pk_algorithm_store PRIMARY KEY (id);


--
-- Name: blob pk_blob; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.blob
    ADD CONSTRAINT pk_blob PRIMARY KEY (key);


--
-- Name: collaboration pk_collaboration; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collaboration
    ADD CONSTRAINT pk_collaboration PRIMARY KEY (id);


--
-- Name: external_identity pk_external_identity; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_identity
    ADD CONSTRAINT pk_external_identity PRIMARY KEY (id);


--
-- Name: external_role pk_external_role; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_role
    ADD CONSTRAINT pk_external_role PRIMARY KEY (identity_id, role_id);


--
-- Name: identity pk_identity; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.identity
    ADD CONSTRAINT pk_identity PRIMARY KEY (id);


--
-- Name: job pk_job; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT pk_job PRIMARY KEY (id);


--
-- Name: known_network pk_known_network; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.known_network
    ADD CONSTRAINT pk_known_network PRIMARY KEY (user_id, network);


--
-- Name: login_failures pk_login_failures; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_failures
    ADD CONSTRAINT pk_login_failures PRIMARY KEY (purpose, network, account_id);


--
-- Name: login_session pk_login_session; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT pk_login_session PRIMARY KEY (id);


--
-- Name: member pk_member; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.member
    ADD CONSTRAINT pk_member PRIMARY KEY (collaboration_id, organization_id);


--
-- Name: node pk_node; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT pk_node PRIMARY KEY (id);


--
-- Name: node_setting pk_node_setting; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node_setting
    ADD CONSTRAINT pk_node_setting PRIMARY KEY (id);


--
-- Name: organization pk_organization; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization
    ADD CONSTRAINT pk_organization PRIMARY KEY (id);


--
-- Name: organization_invitation pk_organization_invitation; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation
    ADD CONSTRAINT pk_organization_invitation PRIMARY KEY (id);


--
-- Name: outbox_event pk_outbox_event; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox_event
    ADD CONSTRAINT pk_outbox_event PRIMARY KEY (id);


--
-- Name: queued_mail pk_queued_mail; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.queued_mail
    ADD CONSTRAINT pk_queued_mail PRIMARY KEY (id);


--
-- Name: recovery_code pk_recovery_code; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT pk_recovery_code PRIMARY KEY (user_id, code_hash);


--
-- Name: recovery_token pk_recovery_token; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_token
    ADD CONSTRAINT pk_recovery_token PRIMARY KEY (user_id, purpose);


--
-- Name: role pk_role; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role
    ADD CONSTRAINT pk_role PRIMARY KEY (id);


--
-- Name: role_rule pk_role_rule; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_rule
    ADD CONSTRAINT pk_role_rule PRIMARY KEY (role_id, rule_id);


--
-- Name: rule pk_rule; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rule
    ADD CONSTRAINT pk_rule PRIMARY KEY (id);


--
-- Name: run pk_run; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run
    ADD CONSTRAINT pk_run PRIMARY KEY (id);


--
-- Name: run_port pk_run_port; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_port
    ADD CONSTRAINT pk_run_port PRIMARY KEY (id);


--
-- Name: store_collaboration pk_store_collaboration; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.store_collaboration
    ADD CONSTRAINT pk_store_collaboration PRIMARY KEY (store_id, collaboration_id);


--
-- Name: study pk_study; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study
    ADD CONSTRAINT pk_study PRIMARY KEY (id);


--
-- Name: study_member pk_study_member; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study_member
    ADD CONSTRAINT pk_study_member PRIMARY KEY (study_id, organization_id);


--
-- Name: task pk_task; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT pk_task PRIMARY KEY (id);


--
-- Name: task_count pk_task_count; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_count
    ADD CONSTRAINT pk_task_count PRIMARY KEY (collaboration_id, study_id, init_org_id, init_user_id, is_user_created);


--
-- Name: task_database pk_task_database; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_database
    ADD CONSTRAINT pk_task_database PRIMARY KEY (id);


--
-- Name: user_account pk_user_account; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT pk_user_account PRIMARY KEY (id);


--
-- Name: user_invitation pk_user_invitation; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation
    ADD CONSTRAINT pk_user_invitation PRIMARY KEY (id);


--
-- Name: user_role pk_user_role; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT pk_user_role PRIMARY KEY (user_id, role_id);


--
-- Name: user_rule pk_user_rule; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_rule
    ADD CONSTRAINT pk_user_rule PRIMARY KEY (user_id, rule_id);


--
-- Name: v4_secret pk_v4_secret; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.v4_secret
    ADD CONSTRAINT pk_v4_secret PRIMARY KEY (identity_id);


--
-- Name: access_token uq_access_token_token_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT uq_access_token_token_hash UNIQUE (token_hash);


--
-- Name: collaboration uq_collaboration_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collaboration
    ADD CONSTRAINT uq_collaboration_name UNIQUE (name);


--
-- Name: external_identity uq_external_identity_issuer_subject; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_identity
    ADD CONSTRAINT uq_external_identity_issuer_subject UNIQUE (issuer, subject);


--
-- Name: node uq_node_api_key_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT uq_node_api_key_hash UNIQUE (api_key_hash);


--
-- Name: node uq_node_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT uq_node_name UNIQUE (name);


--
-- Name: node uq_node_organization_id_collaboration_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT uq_node_organization_id_collaboration_id UNIQUE (organization_id, collaboration_id);


--
-- Name: organization_invitation uq_organization_invitation_collaboration_id_organization_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation
    ADD CONSTRAINT uq_organization_invitation_collaboration_id_organization_name UNIQUE (collaboration_id, organization_name);


--
-- Name: organization uq_organization_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization
    ADD CONSTRAINT uq_organization_name UNIQUE (name);


--
-- Name: recovery_token uq_recovery_token_token_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_token
    ADD CONSTRAINT uq_recovery_token_token_hash UNIQUE (token_hash);


--
-- Name: role uq_role_organization_id_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role
    ADD CONSTRAINT uq_role_organization_id_name UNIQUE (organization_id, name);


--
-- Name: rule uq_rule_name_scope_operation; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rule
    ADD CONSTRAINT uq_rule_name_scope_operation UNIQUE (name, scope, operation);


--
-- Name: study uq_study_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study
    ADD CONSTRAINT uq_study_name UNIQUE (name);


--
-- Name: task uq_task_idempotency_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT uq_task_idempotency_key UNIQUE (idempotency_key);


--
-- Name: user_account uq_user_account_email; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT uq_user_account_email UNIQUE (email);


--
-- Name: user_account uq_user_account_username; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT uq_user_account_username UNIQUE (username);


--
-- Name: user_invitation uq_user_invitation_organization_id_email; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation
    ADD CONSTRAINT uq_user_invitation_organization_id_email UNIQUE (organization_id, email);


--
-- Name: user_invitation uq_user_invitation_token_hash; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation
    ADD CONSTRAINT uq_user_invitation_token_hash UNIQUE (token_hash);


--
-- Name: ix_access_token_user_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_access_token_user_id ON public.access_token USING btree (user_id);


--
-- Name: ix_blob_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_blob_created_at ON public.blob USING btree (created_at);


--
-- Name: ix_blob_run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_blob_run_id ON public.blob USING btree (run_id);


--
-- Name: ix_blob_uploader_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_blob_uploader_id ON public.blob USING btree (uploader_id);


--
-- Name: ix_external_identity_user_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_external_identity_user_id ON public.external_identity USING btree (user_id);


--
-- Name: ix_external_role_role_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_external_role_role_id ON public.external_role USING btree (role_id);


--
-- Name: ix_login_failures_last_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_login_failures_last_at ON public.login_failures USING btree (last_at);


--
-- Name: ix_login_session_identity_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_login_session_identity_id ON public.login_session USING btree (identity_id);


--
-- Name: ix_member_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_member_organization_id ON public.member USING btree (organization_id);


--
-- Name: ix_node_collaboration_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_node_collaboration_id ON public.node USING btree (collaboration_id);


--
-- Name: ix_node_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_node_organization_id ON public.node USING btree (organization_id);


--
-- Name: ix_node_setting_node_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_node_setting_node_id ON public.node_setting USING btree (node_id);


--
-- Name: ix_organization_invitation_collaboration_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_organization_invitation_collaboration_id ON public.organization_invitation USING btree (collaboration_id);


--
-- Name: ix_organization_invitation_inviter_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_organization_invitation_inviter_id ON public.organization_invitation USING btree (inviter_id);


--
-- Name: ix_organization_invitation_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_organization_invitation_organization_id ON public.organization_invitation USING btree (organization_id);


--
-- Name: ix_outbox_event_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_outbox_event_created_at ON public.outbox_event USING btree (created_at);


--
-- Name: ix_queued_mail_due_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_queued_mail_due_at ON public.queued_mail USING btree (due_at);


--
-- Name: ix_queued_mail_until; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_queued_mail_until ON public.queued_mail USING btree (until);


--
-- Name: ix_role_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_role_organization_id ON public.role USING btree (organization_id);


--
-- Name: ix_role_rule_rule_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_role_rule_rule_id ON public.role_rule USING btree (rule_id);


--
-- Name: ix_run_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_run_open ON public.run USING btree (organization_id, finished_at);


--
-- Name: ix_run_organization_id_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_run_organization_id_id ON public.run USING btree (organization_id, id);


--
-- Name: ix_run_port_run_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_run_port_run_id ON public.run_port USING btree (run_id);


--
-- Name: ix_run_task_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_run_task_id ON public.run USING btree (task_id);


--
-- Name: ix_study_collaboration_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_study_collaboration_id ON public.study USING btree (collaboration_id);


--
-- Name: ix_study_member_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_study_member_organization_id ON public.study_member USING btree (organization_id);


--
-- Name: ix_task_algorithm_store_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_algorithm_store_id ON public.task USING btree (algorithm_store_id);


--
-- Name: ix_task_collaboration_id_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_collaboration_id_id ON public.task USING btree (collaboration_id, id);


--
-- Name: ix_task_database_label_task_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_database_label_task_id ON public.task_database USING btree (label, task_id);


--
-- Name: ix_task_database_task_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_database_task_id ON public.task_database USING btree (task_id);


--
-- Name: ix_task_init_org_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_init_org_id ON public.task USING btree (init_org_id);


--
-- Name: ix_task_init_user_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_init_user_id ON public.task USING btree (init_user_id);


--
-- Name: ix_task_job_id_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_job_id_status ON public.task USING btree (job_id, status);


--
-- Name: ix_task_parent_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_parent_id ON public.task USING btree (parent_id);


--
-- Name: ix_task_status_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_status_id ON public.task USING btree (status, id, collaboration_id, init_org_id, init_user_id);


--
-- Name: ix_task_study_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_study_id ON public.task USING btree (study_id);


--
-- Name: ix_task_texts; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_task_texts ON public.task USING gin (name public.gin_trgm_ops, image public.gin_trgm_ops, description public.gin_trgm_ops);


--
-- Name: ix_user_account_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_account_organization_id ON public.user_account USING btree (organization_id);


--
-- Name: ix_user_invitation_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_invitation_created_at ON public.user_invitation USING btree (created_at);


--
-- Name: ix_user_invitation_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_invitation_expires_at ON public.user_invitation USING btree (expires_at);


--
-- Name: ix_user_invitation_inviter_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_invitation_inviter_id ON public.user_invitation USING btree (inviter_id);


--
-- Name: ix_user_invitation_organization_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_invitation_organization_id ON public.user_invitation USING btree (organization_id);


--
-- Name: ix_user_role_role_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_role_role_id ON public.user_role USING btree (role_id);


--
-- Name: ix_user_rule_rule_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_user_rule_rule_id ON public.user_rule USING btree (rule_id);


--
-- Name: uq_algorithm_store_for_all; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_algorithm_store_for_all ON public.algorithm_store USING btree (url) WHERE is_for_all;


--
-- Name: uq_store_collaboration_url; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_store_collaboration_url ON public.store_collaboration USING btree (collaboration_id, url);


--
-- Name: run hanse_kept_run_added_ab8783f8; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_run_added_ab8783f8 AFTER INSERT ON public.run FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_run_added_ab8783f8();


--
-- Name: run hanse_kept_run_moved_64971e66; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_run_moved_64971e66 AFTER UPDATE OF status, finished_at ON public.run FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_run_moved_64971e66();


--
-- Name: run hanse_kept_run_removed_a5e7c880; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_run_removed_a5e7c880 AFTER DELETE ON public.run FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_run_removed_a5e7c880();


--
-- Name: task hanse_kept_task_added_1db5447f; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_task_added_1db5447f AFTER INSERT ON public.task FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_task_added_1db5447f();


--
-- Name: task hanse_kept_task_changed_3c0fb407; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_task_changed_3c0fb407 AFTER UPDATE OF collaboration_id, study_id, init_org_id, init_user_id, parent_id ON public.task FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_task_changed_3c0fb407();


--
-- Name: task hanse_kept_task_removed_126fedcc; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER hanse_kept_task_removed_126fedcc AFTER DELETE ON public.task FOR EACH ROW EXECUTE FUNCTION public.hanse_kept_task_removed_126fedcc();


--
-- Name: access_token fk_access_token_user_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_token
    ADD CONSTRAINT fk_access_token_user_id_identity FOREIGN KEY (user_id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- Name: blob fk_blob_run_id_run; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.blob
    ADD CONSTRAINT fk_blob_run_id_run FOREIGN KEY (run_id) REFERENCES public.run(id) ON DELETE SET NULL;


--
-- Name: blob fk_blob_uploader_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.blob
    ADD CONSTRAINT fk_blob_uploader_id_identity FOREIGN KEY (uploader_id) REFERENCES public.identity(id) ON DELETE SET NULL;


--
-- Name: external_identity fk_external_identity_user_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_identity
    ADD CONSTRAINT fk_external_identity_user_id_identity FOREIGN KEY (user_id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- Name: external_role fk_external_role_identity_id_external_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_role
    ADD CONSTRAINT fk_external_role_identity_id_external_identity FOREIGN KEY (identity_id) REFERENCES public.external_identity(id) ON DELETE CASCADE;


--
-- Name: external_role fk_external_role_role_id_role; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.external_role
    ADD CONSTRAINT fk_external_role_role_id_role FOREIGN KEY (role_id) REFERENCES public.role(id) ON DELETE CASCADE;


--
-- Name: known_network fk_known_network_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.known_network
    ADD CONSTRAINT fk_known_network_user_id_user_account FOREIGN KEY (user_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: login_session fk_login_session_identity_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT fk_login_session_identity_id_identity FOREIGN KEY (identity_id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- Name: member fk_member_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.member
    ADD CONSTRAINT fk_member_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE CASCADE;


--
-- Name: member fk_member_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.member
    ADD CONSTRAINT fk_member_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: node fk_node_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT fk_node_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE SET NULL;


--
-- Name: node fk_node_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT fk_node_id_identity FOREIGN KEY (id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- Name: node fk_node_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node
    ADD CONSTRAINT fk_node_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: node_setting fk_node_setting_node_id_node; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.node_setting
    ADD CONSTRAINT fk_node_setting_node_id_node FOREIGN KEY (node_id) REFERENCES public.node(id) ON DELETE CASCADE;


--
-- Name: organization_invitation fk_organization_invitation_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation
    ADD CONSTRAINT fk_organization_invitation_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE CASCADE;


--
-- Name: organization_invitation fk_organization_invitation_inviter_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation
    ADD CONSTRAINT fk_organization_invitation_inviter_id_user_account FOREIGN KEY (inviter_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: organization_invitation fk_organization_invitation_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organization_invitation
    ADD CONSTRAINT fk_organization_invitation_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: recovery_code fk_recovery_code_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT fk_recovery_code_user_id_user_account FOREIGN KEY (user_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: recovery_token fk_recovery_token_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recovery_token
    ADD CONSTRAINT fk_recovery_token_user_id_user_account FOREIGN KEY (user_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: role fk_role_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role
    ADD CONSTRAINT fk_role_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: role_rule fk_role_rule_role_id_role; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_rule
    ADD CONSTRAINT fk_role_rule_role_id_role FOREIGN KEY (role_id) REFERENCES public.role(id) ON DELETE CASCADE;


--
-- Name: role_rule fk_role_rule_rule_id_rule; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.role_rule
    ADD CONSTRAINT fk_role_rule_rule_id_rule FOREIGN KEY (rule_id) REFERENCES public.rule(id) ON DELETE CASCADE;


--
-- Name: run fk_run_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: run_port fk_run_port_run_id_run; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_port
    ADD CONSTRAINT fk_run_port_run_id_run FOREIGN KEY (run_id) REFERENCES public.run(id) ON DELETE CASCADE;


--
-- Name: run fk_run_task_id_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_task_id_task FOREIGN KEY (task_id) REFERENCES public.task(id) ON DELETE CASCADE;


--
-- Name: store_collaboration fk_store_collaboration_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.store_collaboration
    ADD CONSTRAINT fk_store_collaboration_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE CASCADE;


--
-- Name: store_collaboration fk_store_collaboration_store_id_algorithm_store; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.store_collaboration
    ADD CONSTRAINT fk_store_collaboration_store_id_algorithm_store FOREIGN KEY (store_id) REFERENCES public.algorithm_store(id) ON DELETE CASCADE;


--
-- Name: study fk_study_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study
    ADD CONSTRAINT fk_study_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE CASCADE;


--
-- Name: study_member fk_study_member_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study_member
    ADD CONSTRAINT fk_study_member_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: study_member fk_study_member_study_id_study; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study_member
    ADD CONSTRAINT fk_study_member_study_id_study FOREIGN KEY (study_id) REFERENCES public.study(id) ON DELETE CASCADE;


--
-- Name: task fk_task_algorithm_store_id_algorithm_store; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_algorithm_store_id_algorithm_store FOREIGN KEY (algorithm_store_id) REFERENCES public.algorithm_store(id) ON DELETE SET NULL;


--
-- Name: task fk_task_collaboration_id_collaboration; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_collaboration_id_collaboration FOREIGN KEY (collaboration_id) REFERENCES public.collaboration(id) ON DELETE CASCADE;


--
-- Name: task_database fk_task_database_task_id_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_database
    ADD CONSTRAINT fk_task_database_task_id_task FOREIGN KEY (task_id) REFERENCES public.task(id) ON DELETE CASCADE;


--
-- Name: task fk_task_init_org_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_init_org_id_organization FOREIGN KEY (init_org_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: task fk_task_init_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_init_user_id_user_account FOREIGN KEY (init_user_id) REFERENCES public.user_account(id) ON DELETE SET NULL;


--
-- Name: task fk_task_job_id_job; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id);


--
-- Name: task fk_task_parent_id_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_parent_id_task FOREIGN KEY (parent_id) REFERENCES public.task(id) ON DELETE CASCADE;


--
-- Name: task fk_task_study_id_study; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task
    ADD CONSTRAINT fk_task_study_id_study FOREIGN KEY (study_id) REFERENCES public.study(id) ON DELETE CASCADE;


--
-- Name: user_account fk_user_account_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT fk_user_account_id_identity FOREIGN KEY (id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- Name: user_account fk_user_account_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT fk_user_account_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: user_invitation fk_user_invitation_inviter_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation
    ADD CONSTRAINT fk_user_invitation_inviter_id_user_account FOREIGN KEY (inviter_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: user_invitation fk_user_invitation_organization_id_organization; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_invitation
    ADD CONSTRAINT fk_user_invitation_organization_id_organization FOREIGN KEY (organization_id) REFERENCES public.organization(id) ON DELETE CASCADE;


--
-- Name: user_role fk_user_role_role_id_role; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT fk_user_role_role_id_role FOREIGN KEY (role_id) REFERENCES public.role(id) ON DELETE CASCADE;


--
-- Name: user_role fk_user_role_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_role
    ADD CONSTRAINT fk_user_role_user_id_user_account FOREIGN KEY (user_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: user_rule fk_user_rule_rule_id_rule; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_rule
    ADD CONSTRAINT fk_user_rule_rule_id_rule FOREIGN KEY (rule_id) REFERENCES public.rule(id) ON DELETE CASCADE;


--
-- Name: user_rule fk_user_rule_user_id_user_account; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_rule
    ADD CONSTRAINT fk_user_rule_user_id_user_account FOREIGN KEY (user_id) REFERENCES public.user_account(id) ON DELETE CASCADE;


--
-- Name: v4_secret fk_v4_secret_identity_id_identity; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.v4_secret
    ADD CONSTRAINT fk_v4_secret_identity_id_identity FOREIGN KEY (identity_id) REFERENCES public.identity(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


