//! The tables as Diesel sees them, generated from a migrated database; a test holds this file against one.
//!
//! Only tables that are joined are allowed in one query: listing all of them makes compile time quadratic.

diesel::table! {
    account_tokens (token_hash) {
        token_hash -> Bytea,
        user_id -> BigInt,
        purpose -> Varchar,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ai_settings (id) {
        id -> BigInt,
        provider -> Varchar,
        api_key_encrypted -> Varchar,
        model -> Varchar,
        temperature -> Numeric,
        max_tokens -> Integer,
        response_timeout -> Integer,
        rate_limit_per_minute -> Integer,
        rate_limit_per_hour -> Integer,
        features -> Jsonb,
        knowledge_base -> Nullable<Jsonb>,
        fallback_enabled -> Bool,
        fallback_message -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        prefix -> Varchar,
        key_hash -> Bytea,
        name -> Varchar,
        user_id -> BigInt,
        permissions -> Jsonb,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        rotated_from -> Nullable<BigInt>,
        created_by -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit_chains (chain) {
        chain -> SmallInt,
        seq -> BigInt,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_links (chain, seq) {
        chain -> SmallInt,
        seq -> BigInt,
        audit_id -> BigInt,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> Timestamptz,
        actor_id -> Nullable<BigInt>,
        action -> Varchar,
        entity_type -> Varchar,
        entity_id -> Nullable<BigInt>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        request_id -> Nullable<Varchar>,
        ip_address -> Nullable<Inet>,
        api_key_id -> Nullable<BigInt>,
        entity_key -> Nullable<Varchar>,
        user_agent -> Nullable<Varchar>,
    }
}

diesel::table! {
    bounce_mailboxes (account) {
        account -> Varchar,
        uid_validity -> BigInt,
        last_uid -> BigInt,
        read_at -> Timestamptz,
    }
}

diesel::table! {
    bounces (id) {
        id -> BigInt,
        message_id -> Nullable<BigInt>,
        event_id -> Nullable<BigInt>,
        channel -> Varchar,
        address -> Varchar,
        kind -> Varchar,
        code -> Nullable<Varchar>,
        detail -> Nullable<Varchar>,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    branches (id) {
        id -> BigInt,
        code -> Varchar,
        name -> Varchar,
        address -> Nullable<Jsonb>,
        time_zone -> Varchar,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    campaign_enrolments (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        customer_id -> BigInt,
        policy_id -> BigInt,
        case_id -> Nullable<BigInt>,
        term_end -> Date,
        rehearsal -> Bool,
        state -> Varchar,
        stopped_for -> Nullable<Varchar>,
        time_zone -> Varchar,
        next_step -> Nullable<SmallInt>,
        next_at -> Nullable<Timestamptz>,
        fallback_at -> Nullable<Timestamptz>,
        last_step -> Nullable<SmallInt>,
        written -> SmallInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    campaign_exclusions (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        customer_id -> BigInt,
        policy_id -> Nullable<BigInt>,
        reason -> Varchar,
        detail -> Nullable<Varchar>,
        created_at -> Timestamptz,
        case_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    campaign_figure_deltas (campaign_id, id) {
        id -> BigInt,
        campaign_id -> BigInt,
        dimension -> Varchar,
        key -> Text,
        total -> BigInt,
        pending -> BigInt,
        sending -> BigInt,
        suppressed -> BigInt,
        unconfirmed -> BigInt,
        failed -> BigInt,
        sent -> BigInt,
        delivered -> BigInt,
        opened -> BigInt,
        clicked -> BigInt,
        replied -> BigInt,
        converted -> BigInt,
        unsubscribed -> BigInt,
        complained -> BigInt,
        share -> BigInt,
        amount -> Numeric,
    }
}

diesel::table! {
    campaign_figures (campaign_id, dimension, key) {
        campaign_id -> BigInt,
        dimension -> Varchar,
        key -> Text,
        total -> BigInt,
        pending -> BigInt,
        sending -> BigInt,
        suppressed -> BigInt,
        unconfirmed -> BigInt,
        failed -> BigInt,
        sent -> BigInt,
        delivered -> BigInt,
        opened -> BigInt,
        clicked -> BigInt,
        replied -> BigInt,
        converted -> BigInt,
        unsubscribed -> BigInt,
        complained -> BigInt,
        share -> BigInt,
        amount -> Numeric,
    }
}

diesel::table! {
    campaign_paces (campaign_id) {
        campaign_id -> BigInt,
        spent_until -> Timestamptz,
    }
}

diesel::table! {
    campaign_recipients (id) {
        id -> BigInt,
        campaign_id -> Nullable<BigInt>,
        customer_id -> Nullable<BigInt>,
        status -> Nullable<Varchar>,
        sent_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        opened_at -> Nullable<Timestamptz>,
        clicked_at -> Nullable<Timestamptz>,
        replied_at -> Nullable<Timestamptz>,
        error_message -> Nullable<Text>,
        tracking_data -> Nullable<Jsonb>,
        created_at -> Nullable<Timestamptz>,
        updated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    campaign_steps (campaign_id, step) {
        campaign_id -> BigInt,
        step -> SmallInt,
        days -> SmallInt,
        at_time -> Time,
        channel -> Varchar,
        template_id -> BigInt,
        template_version -> Integer,
        condition -> Nullable<Varchar>,
        fallback_channel -> Nullable<Varchar>,
        fallback_template_id -> Nullable<BigInt>,
        fallback_template_version -> Nullable<Integer>,
        fallback_unless -> Nullable<Varchar>,
        fallback_hours -> Nullable<SmallInt>,
    }
}

diesel::table! {
    campaign_variants (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        label -> Varchar,
        weight -> SmallInt,
        channel -> Varchar,
        template_id -> BigInt,
        template_version -> Integer,
        subject -> Nullable<Varchar>,
        send_hour -> Nullable<SmallInt>,
    }
}

diesel::table! {
    campaigns (id) {
        id -> BigInt,
        group_id -> Uuid,
        name -> Varchar,
        description -> Nullable<Text>,
        campaign_type -> Varchar,
        status -> Varchar,
        upload_id -> Nullable<BigInt>,
        template_id -> Nullable<BigInt>,
        target_audience_filter -> Jsonb,
        content -> Nullable<Jsonb>,
        budget -> Nullable<Numeric>,
        target_count -> Nullable<Integer>,
        excluded_count -> Integer,
        sent_count -> Integer,
        delivered_count -> Integer,
        opened_count -> Integer,
        clicked_count -> Integer,
        replied_count -> Integer,
        converted_count -> Integer,
        failed_count -> Integer,
        unconfirmed_count -> Integer,
        metrics -> Nullable<Jsonb>,
        metrics_at -> Nullable<Timestamptz>,
        schedule_type -> Varchar,
        scheduled_at -> Nullable<Timestamptz>,
        time_zone -> Nullable<Varchar>,
        latest_start -> Nullable<Timestamptz>,
        audience_ready -> Bool,
        error -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        scope -> Varchar,
        branch_id -> Nullable<BigInt>,
        template_version -> Nullable<Integer>,
        mode -> Varchar,
        plan -> Jsonb,
        tags -> Array<Nullable<Text>>,
        parent_id -> Nullable<BigInt>,
        occurrence_at -> Nullable<Timestamptz>,
        rehearsal -> Bool,
        forecast -> Nullable<Jsonb>,
        approval -> Nullable<Varchar>,
        approval_by -> Nullable<BigInt>,
        approval_at -> Nullable<Timestamptz>,
        approval_note -> Nullable<Varchar>,
        enrol_until -> Nullable<Timestamptz>,
        winner_id -> Nullable<BigInt>,
        winner_at -> Nullable<Timestamptz>,
        winner_basis -> Nullable<Jsonb>,
        enrolled_at -> Nullable<Timestamptz>,
        written_by -> Nullable<BigInt>,
        judged_from -> Nullable<Jsonb>,
    }
}

diesel::table! {
    case_conversions (case_id) {
        case_id -> BigInt,
        converted_at -> Nullable<Timestamptz>,
        amount -> Numeric,
        currency -> Varchar,
        due -> Bool,
    }
}

diesel::table! {
    claims (id) {
        id -> BigInt,
        claim_number -> Varchar,
        policy_id -> BigInt,
        claim_type -> Varchar,
        claim_amount -> Numeric,
        description -> Text,
        status -> Varchar,
        priority -> Varchar,
        assigned_to -> Nullable<BigInt>,
        documents -> Nullable<Jsonb>,
        incident_date -> Date,
        reported_date -> Date,
        settlement_amount -> Nullable<Numeric>,
        settlement_date -> Nullable<Date>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    consent_log (id) {
        id -> BigInt,
        customer_id -> BigInt,
        channel -> Varchar,
        purpose -> Varchar,
        granted -> Bool,
        own_choice -> Bool,
        took_effect -> Bool,
        source -> Varchar,
        proof -> Nullable<Jsonb>,
        given_at -> Timestamptz,
        recorded_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    consents (customer_id, channel, purpose) {
        customer_id -> BigInt,
        channel -> Varchar,
        purpose -> Varchar,
        granted -> Bool,
        own_choice -> Bool,
        source -> Varchar,
        proof -> Nullable<Jsonb>,
        given_at -> Timestamptz,
        recorded_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    conversion_credits (case_id, campaign_id) {
        case_id -> BigInt,
        campaign_id -> BigInt,
        arm -> Varchar,
        message_id -> Nullable<BigInt>,
        step -> Nullable<SmallInt>,
        channel -> Nullable<Varchar>,
        variant_id -> Nullable<BigInt>,
        currency -> Varchar,
        amount -> Numeric,
        is_last -> Bool,
        position_share -> Integer,
        position_amount -> Numeric,
    }
}

diesel::table! {
    conversion_news (id) {
        id -> BigInt,
        case_id -> BigInt,
    }
}

diesel::table! {
    customer_tags (customer_id, tag) {
        customer_id -> BigInt,
        tag -> Varchar,
        added_at -> Timestamptz,
        added_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    customers (id) {
        id -> BigInt,
        customer_code -> Varchar,
        first_name -> Varchar,
        last_name -> Varchar,
        email -> Nullable<Varchar>,
        phone -> Nullable<Varchar>,
        date_of_birth -> Nullable<Date>,
        address -> Nullable<Jsonb>,
        kyc_status -> Varchar,
        kyc_documents -> Nullable<Jsonb>,
        communication_preferences -> Nullable<Jsonb>,
        upload_id -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        time_zone -> Nullable<Varchar>,
        language -> Nullable<Varchar>,
        country -> Nullable<Varchar>,
    }
}

diesel::table! {
    email_accounts (id) {
        id -> BigInt,
        name -> Varchar,
        email -> Varchar,
        provider -> Varchar,
        imap_server -> Varchar,
        imap_port -> Integer,
        smtp_server -> Varchar,
        smtp_port -> Integer,
        username -> Varchar,
        password_encrypted -> Varchar,
        use_ssl -> Bool,
        auto_sync -> Bool,
        sync_interval -> Integer,
        last_sync -> Nullable<Timestamptz>,
        status -> Varchar,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    emails (id) {
        id -> BigInt,
        message_id -> Varchar,
        thread_id -> Nullable<Varchar>,
        account_id -> BigInt,
        from_email -> Varchar,
        to_email -> Varchar,
        cc_emails -> Nullable<Array<Nullable<Text>>>,
        bcc_emails -> Nullable<Array<Nullable<Text>>>,
        subject -> Text,
        body_text -> Nullable<Text>,
        body_html -> Nullable<Text>,
        attachments -> Nullable<Jsonb>,
        category -> Nullable<Varchar>,
        priority -> Varchar,
        status -> Varchar,
        assigned_to -> Nullable<BigInt>,
        sentiment_score -> Nullable<Numeric>,
        sentiment_label -> Nullable<Varchar>,
        ai_intent -> Nullable<Jsonb>,
        read_status -> Bool,
        escalated_to -> Nullable<BigInt>,
        escalation_reason -> Nullable<Text>,
        received_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    enrolment_news (campaign_id, id) {
        id -> BigInt,
        campaign_id -> BigInt,
        enrolment_id -> BigInt,
    }
}

diesel::table! {
    file_uploads (id) {
        id -> BigInt,
        filename -> Varchar,
        original_filename -> Varchar,
        file_size -> BigInt,
        file_type -> Varchar,
        sha256 -> Nullable<Varchar>,
        description -> Nullable<Text>,
        upload_status -> Varchar,
        dry_run -> Bool,
        options -> Nullable<Jsonb>,
        total_records -> Nullable<Integer>,
        successful_records -> Nullable<Integer>,
        failed_records -> Nullable<Integer>,
        uploaded_by -> Nullable<BigInt>,
        branch_id -> Nullable<BigInt>,
        upload_path -> Nullable<Varchar>,
        download_url -> Nullable<Varchar>,
        error_report_path -> Nullable<Varchar>,
        processing_started_at -> Nullable<Timestamptz>,
        processing_completed_at -> Nullable<Timestamptz>,
        error_details -> Nullable<Jsonb>,
        job_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        scope -> Varchar,
    }
}

diesel::table! {
    files (id) {
        id -> BigInt,
        original_name -> Varchar,
        file_name -> Varchar,
        file_path -> Varchar,
        file_size -> BigInt,
        mime_type -> Varchar,
        uploaded_by -> Nullable<BigInt>,
        entity_type -> Nullable<Varchar>,
        entity_id -> Nullable<BigInt>,
        is_public -> Bool,
        virus_scan_status -> Varchar,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    holidays (country, day) {
        country -> Varchar,
        day -> Date,
        name -> Varchar,
    }
}

diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> BigInt,
        key -> Varchar,
        fingerprint -> Varchar,
        status -> Nullable<SmallInt>,
        content_type -> Nullable<Varchar>,
        body -> Nullable<Bytea>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    inbound_messages (id) {
        id -> BigInt,
        event_id -> BigInt,
        channel -> Varchar,
        address -> Varchar,
        customer_id -> Nullable<BigInt>,
        in_reply_to -> Nullable<BigInt>,
        body -> Nullable<Text>,
        received_at -> Timestamptz,
        provider -> Nullable<Varchar>,
        provider_message_id -> Nullable<Varchar>,
        case_id -> Nullable<BigInt>,
        choice -> Nullable<Varchar>,
        keyword -> Nullable<Varchar>,
        content -> Nullable<Jsonb>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Varchar,
        queue -> Varchar,
        priority -> SmallInt,
        payload -> Jsonb,
        state -> Varchar,
        run_at -> Timestamptz,
        attempt -> Integer,
        max_attempts -> Integer,
        lease_token -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        worker -> Nullable<Varchar>,
        unique_key -> Nullable<Varchar>,
        parent_id -> Nullable<Uuid>,
        waits_for -> Nullable<Uuid>,
        children_left -> Integer,
        created_by -> Nullable<BigInt>,
        cancel_requested -> Bool,
        snoozes -> Integer,
        progress_done -> BigInt,
        progress_total -> Nullable<BigInt>,
        progress_note -> Nullable<Varchar>,
        result -> Nullable<Jsonb>,
        error -> Nullable<Text>,
        dispatched_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        woken_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    known_devices (id) {
        id -> BigInt,
        user_id -> BigInt,
        token_hash -> Bytea,
        name -> Varchar,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    login_challenges (token_hash) {
        token_hash -> Bytea,
        user_id -> BigInt,
        method -> Varchar,
        attempts -> SmallInt,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    message_attempts (id) {
        id -> BigInt,
        message_id -> BigInt,
        attempt -> SmallInt,
        account -> Varchar,
        outcome -> Varchar,
        provider_message_id -> Nullable<Varchar>,
        code -> Nullable<Varchar>,
        detail -> Nullable<Text>,
        ended_at -> Timestamptz,
    }
}

diesel::table! {
    message_checks (id) {
        id -> BigInt,
        message_id -> BigInt,
        checked_at -> Timestamptz,
        verdict -> Varchar,
        reason -> Nullable<Varchar>,
        until -> Nullable<Timestamptz>,
        detail -> Nullable<Jsonb>,
    }
}

diesel::table! {
    message_prices (id) {
        id -> BigInt,
        channel -> Varchar,
        provider -> Varchar,
        country -> Varchar,
        category -> Varchar,
        currency -> Varchar,
        price -> Numeric,
        valid_from -> Date,
    }
}

diesel::table! {
    messages (id) {
        id -> BigInt,
        campaign_id -> Nullable<BigInt>,
        customer_id -> Nullable<BigInt>,
        policy_id -> Nullable<BigInt>,
        case_id -> Nullable<BigInt>,
        channel -> Varchar,
        step -> SmallInt,
        template_id -> Nullable<BigInt>,
        address -> Varchar,
        status -> Varchar,
        attempts -> SmallInt,
        due_at -> Timestamptz,
        send_job -> Nullable<Uuid>,
        send_attempt -> Nullable<Integer>,
        provider -> Nullable<Varchar>,
        provider_message_id -> Nullable<Varchar>,
        error_code -> Nullable<Varchar>,
        error_message -> Nullable<Text>,
        cost -> Nullable<Numeric>,
        tracking_data -> Nullable<Jsonb>,
        sent_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        opened_at -> Nullable<Timestamptz>,
        clicked_at -> Nullable<Timestamptz>,
        replied_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        purpose -> Varchar,
        topic -> Nullable<Varchar>,
        template_version_id -> Nullable<BigInt>,
        content -> Nullable<Jsonb>,
        created_by -> Nullable<BigInt>,
        account -> Nullable<Varchar>,
        held_for -> Nullable<Varchar>,
        segments -> Nullable<SmallInt>,
        cost_currency -> Nullable<Varchar>,
        bounce -> Nullable<Varchar>,
        bounced_at -> Nullable<Timestamptz>,
        complained_at -> Nullable<Timestamptz>,
        unsubscribed_at -> Nullable<Timestamptz>,
        flow_id -> Nullable<BigInt>,
        flow_step -> Nullable<Varchar>,
        look_ups -> SmallInt,
        look_up_at -> Nullable<Timestamptz>,
        unit -> BigInt,
        variant_id -> Nullable<BigInt>,
        enrolment_id -> Nullable<BigInt>,
        policies -> Nullable<Array<Nullable<BigInt>>>,
        rehearsal -> Bool,
        branch_id -> Nullable<BigInt>,
        converted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messaging_rules (id) {
        id -> SmallInt,
        rules -> Jsonb,
        updated_by -> Nullable<BigInt>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    mfa_recovery_codes (user_id, code_hash) {
        user_id -> BigInt,
        code_hash -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notifications (id) {
        id -> BigInt,
        user_id -> BigInt,
        #[sql_name = "type"]
        type_ -> Varchar,
        title -> Varchar,
        message -> Text,
        data -> Nullable<Jsonb>,
        read_status -> Bool,
        read_at -> Nullable<Timestamptz>,
        priority -> Varchar,
        expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    oidc_logins (state_hash) {
        state_hash -> Bytea,
        provider -> Varchar,
        nonce -> Varchar,
        verifier -> Varchar,
        browser_hash -> Bytea,
        return_to -> Nullable<Varchar>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    password_history (id) {
        id -> BigInt,
        user_id -> BigInt,
        password_hash -> Varchar,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    password_reset_requests (id) {
        id -> BigInt,
        email -> Varchar,
        ip_address -> Nullable<Inet>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    policies (id) {
        id -> BigInt,
        policy_number -> Varchar,
        customer_id -> BigInt,
        policy_type -> Varchar,
        premium_amount -> Numeric,
        currency -> Varchar,
        start_date -> Date,
        end_date -> Date,
        status -> Varchar,
        renewal_date -> Nullable<Date>,
        grace_period_days -> Integer,
        agent_id -> Nullable<BigInt>,
        branch_id -> Nullable<BigInt>,
        created_by_upload -> Nullable<BigInt>,
        upload_id -> Nullable<BigInt>,
        upload_row -> Nullable<Integer>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    provider_events (id) {
        id -> BigInt,
        provider -> Varchar,
        provider_event_id -> Varchar,
        kind -> Varchar,
        message_id -> Nullable<BigInt>,
        provider_message_id -> Nullable<Varchar>,
        status -> Nullable<Varchar>,
        error_code -> Nullable<Varchar>,
        error_message -> Nullable<Text>,
        address -> Nullable<Varchar>,
        occurred_at -> Timestamptz,
        payload -> Jsonb,
        apply_after -> Timestamptz,
        applied_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Varchar>,
        received_at -> Timestamptz,
        bounce -> Nullable<Varchar>,
        feedback -> Nullable<Varchar>,
        automatic -> Bool,
        url -> Nullable<Text>,
    }
}

diesel::table! {
    queue_minutes (queue, minute) {
        queue -> Varchar,
        minute -> Timestamptz,
        succeeded -> BigInt,
        retried -> BigInt,
        snoozed -> BigInt,
        discarded -> BigInt,
        cancelled -> BigInt,
    }
}

diesel::table! {
    queues (name) {
        name -> Varchar,
        paused_at -> Nullable<Timestamptz>,
        paused_by -> Nullable<Varchar>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Bytea,
        session_id -> Uuid,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    relay_state (key) {
        key -> Varchar,
        value -> Text,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    renewal_cases (id) {
        id -> BigInt,
        case_number -> Varchar,
        policy_id -> BigInt,
        term_end -> Date,
        status -> Varchar,
        priority -> Varchar,
        assigned_to -> Nullable<BigInt>,
        batch_id -> Nullable<BigInt>,
        renewal_amount -> Nullable<Numeric>,
        payment_status -> Varchar,
        payment_method -> Nullable<Varchar>,
        payment_date -> Nullable<Timestamptz>,
        communication_attempts -> Integer,
        last_contact_date -> Nullable<Timestamptz>,
        notes -> Nullable<Text>,
        escalated_to -> Nullable<BigInt>,
        escalation_reason -> Nullable<Text>,
        escalated_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        branch_id -> Nullable<BigInt>,
        agent_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    roles (id) {
        id -> BigInt,
        name -> Varchar,
        display_name -> Varchar,
        description -> Nullable<Text>,
        permissions -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        scope -> Varchar,
        requires_mfa -> Bool,
        is_system -> Bool,
    }
}

diesel::table! {
    schedules (id) {
        id -> BigInt,
        name -> Varchar,
        kind -> Varchar,
        payload -> Jsonb,
        cron -> Varchar,
        time_zone -> Varchar,
        enabled -> Bool,
        next_fire_at -> Nullable<Timestamptz>,
        last_fire_at -> Nullable<Timestamptz>,
        last_job_id -> Nullable<Uuid>,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    security_events (id) {
        id -> BigInt,
        at -> Timestamptz,
        user_id -> Nullable<BigInt>,
        kind -> Varchar,
        ip_address -> Nullable<Inet>,
        user_agent -> Nullable<Varchar>,
        details -> Jsonb,
    }
}

diesel::table! {
    segment_members (segment_id, customer_id) {
        segment_id -> BigInt,
        customer_id -> BigInt,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    segments (id) {
        id -> BigInt,
        name -> Varchar,
        description -> Nullable<Varchar>,
        kind -> Varchar,
        filter -> Nullable<Jsonb>,
        shared -> Bool,
        holdout_basis_points -> SmallInt,
        owner_id -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sending_accounts (account) {
        account -> Varchar,
        channel -> Varchar,
        provider -> Varchar,
        paused_at -> Nullable<Timestamptz>,
        paused_reason -> Nullable<Text>,
        quality -> Nullable<Varchar>,
        updated_at -> Timestamptz,
        unconfirmed_after_minutes -> Nullable<Integer>,
        unconfirmed_as -> Nullable<Varchar>,
        daily_recipients -> Nullable<Integer>,
        judged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> BigInt,
        method -> Varchar,
        device_name -> Varchar,
        user_agent -> Nullable<Varchar>,
        ip_address -> Nullable<Inet>,
        last_ip_address -> Nullable<Inet>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        idle_until -> Timestamptz,
        expires_at -> Timestamptz,
        mfa_at -> Nullable<Timestamptz>,
        confirmed_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        revoke_reason -> Nullable<Varchar>,
    }
}

diesel::table! {
    suppressions (id) {
        id -> BigInt,
        channel -> Varchar,
        address -> Varchar,
        reason -> Varchar,
        scope -> Varchar,
        source -> Varchar,
        detail -> Nullable<Varchar>,
        message_id -> Nullable<BigInt>,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    survey_responses (id) {
        id -> BigInt,
        survey_id -> BigInt,
        customer_id -> Nullable<BigInt>,
        responses -> Jsonb,
        completion_time -> Nullable<Integer>,
        ip_address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    surveys (id) {
        id -> BigInt,
        title -> Varchar,
        description -> Nullable<Text>,
        created_by -> Nullable<BigInt>,
        status -> Varchar,
        questions -> Jsonb,
        settings -> Nullable<Jsonb>,
        published_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        response_count -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    template_versions (id) {
        id -> BigInt,
        template_id -> BigInt,
        version -> Integer,
        language -> Varchar,
        is_fallback -> Bool,
        subject -> Nullable<Varchar>,
        content -> Text,
        format -> Varchar,
        variables -> Jsonb,
        provider_name -> Nullable<Varchar>,
        extras -> Nullable<Jsonb>,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    templates (id) {
        id -> BigInt,
        name -> Varchar,
        template_type -> Varchar,
        subject -> Nullable<Varchar>,
        content -> Text,
        variables -> Jsonb,
        provider_name -> Nullable<Varchar>,
        language -> Varchar,
        is_active -> Bool,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        purpose -> Varchar,
        topic -> Nullable<Varchar>,
        format -> Varchar,
        tracked -> Bool,
        extras -> Nullable<Jsonb>,
        version -> Integer,
    }
}

diesel::table! {
    token_keys (id) {
        id -> Varchar,
        public_key -> Bytea,
        private_key -> Varchar,
        created_at -> Timestamptz,
        signs_from -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    topic_refusals (customer_id, topic) {
        customer_id -> BigInt,
        topic -> Varchar,
        refused_at -> Timestamptz,
    }
}

diesel::table! {
    upload_batches (id) {
        id -> BigInt,
        upload_id -> BigInt,
        file_name -> Varchar,
        uploaded_by -> Nullable<BigInt>,
        total_records -> Integer,
        processed_records -> Integer,
        successful_records -> Integer,
        failed_records -> Integer,
        created_records -> Integer,
        updated_records -> Integer,
        checkpoint_row -> Integer,
        status -> Varchar,
        file_path -> Nullable<Varchar>,
        error_log -> Nullable<Jsonb>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    upload_changes (upload_id, entity, entity_id) {
        upload_id -> BigInt,
        entity -> Varchar,
        entity_id -> BigInt,
        before -> Jsonb,
    }
}

diesel::table! {
    upload_chunks (upload_id, chunk_offset) {
        upload_id -> BigInt,
        chunk_offset -> BigInt,
        size -> BigInt,
        path -> Varchar,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    upload_mappings (id) {
        id -> BigInt,
        name -> Varchar,
        mapping -> Jsonb,
        created_by -> Nullable<BigInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    upload_previews (upload_id, row_number) {
        upload_id -> BigInt,
        row_number -> Integer,
        policy_number -> Varchar,
        action -> Varchar,
        changes -> Jsonb,
    }
}

diesel::table! {
    upload_row_errors (id) {
        id -> BigInt,
        upload_id -> BigInt,
        row_number -> Integer,
        column_name -> Nullable<Varchar>,
        value -> Nullable<Varchar>,
        code -> Varchar,
        message -> Text,
    }
}

diesel::table! {
    user_identities (id) {
        id -> BigInt,
        user_id -> BigInt,
        issuer -> Varchar,
        subject -> Varchar,
        linked_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Varchar,
        password_hash -> Nullable<Varchar>,
        first_name -> Varchar,
        last_name -> Varchar,
        phone -> Nullable<Varchar>,
        department -> Nullable<Varchar>,
        job_title -> Nullable<Varchar>,
        role_id -> Nullable<BigInt>,
        branch_id -> Nullable<BigInt>,
        status -> Varchar,
        avatar_url -> Nullable<Varchar>,
        last_login -> Nullable<Timestamptz>,
        mfa_enabled -> Bool,
        mfa_secret -> Nullable<Varchar>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        password_changed_at -> Nullable<Timestamptz>,
        mfa_last_step -> Nullable<BigInt>,
        locked_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    whatsapp_flows (id) {
        id -> BigInt,
        name -> Varchar,
        kind -> Varchar,
        status -> Varchar,
        definition -> Jsonb,
        provider_flow_id -> Nullable<Varchar>,
        provider_errors -> Nullable<Jsonb>,
        created_by -> Nullable<BigInt>,
        published_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    whatsapp_templates (id) {
        id -> BigInt,
        name -> Varchar,
        category -> Varchar,
        language -> Varchar,
        status -> Varchar,
        template_data -> Jsonb,
        created_by -> Nullable<BigInt>,
        approved_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        template_id -> Nullable<BigInt>,
        account -> Nullable<Varchar>,
        provider_template_id -> Nullable<Varchar>,
        quality -> Nullable<Varchar>,
        rejected_reason -> Nullable<Varchar>,
        submitted_at -> Nullable<Timestamptz>,
        synced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    workers (id) {
        id -> Varchar,
        host -> Varchar,
        pid -> Integer,
        queues -> Jsonb,
        running -> Integer,
        started_at -> Timestamptz,
        heartbeat_at -> Timestamptz,
    }
}
