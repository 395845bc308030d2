import type { JsonText } from "@/pure/wire";
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ArgumentOrigin
         * @description ``origin``: ``input``, ``input:<field>``, ``step:<name>`` or ``failure``.
         */
        ArgumentOrigin: {
            name: string;
            origin: string;
        };
        /** AttemptDetail */
        AttemptDetail: {
            duration_ms: number | null;
            error: components["schemas"]["ErrorDetails"] | null;
            fingerprint: string | null;
            finished_at: string | null;
            has_output: boolean;
            number: number;
            outcome: ("cancelled" | "failed" | "lost" | "succeeded" | "timed_out") | null;
            queued_at: string;
            readings: components["schemas"]["VariableReading"][];
            started_at: string | null;
            version: number | null;
            worker: string | null;
            worker_id: string | null;
        };
        /** Bar */
        Bar: {
            at: string;
            counts: {
                [key: string]: number;
            };
        };
        /**
         * BrokenRule
         * @description ``path``: a JSON Pointer into the document that ``where`` names.
         */
        BrokenRule: {
            path: string;
            rule: string;
            where: string;
        };
        /**
         * Bulk
         * @description ``stages``: how many items may have begun before all of them must have ended. ``request``: the one for all.
         */
        Bulk: {
            author: string;
            created_at: string;
            id: string;
            matched: number;
            progress: components["schemas"]["BulkProgress"];
            query: string;
            rate: number | null;
            reason: string;
            request: components["schemas"]["ReplayRequest"];
            stages: number[];
            /** @enum {unknown} */
            state: "aborted" | "finished" | "paused" | "running" | "stopped";
            state_at: string | null;
            state_by: string;
            state_reason: string;
            stop_after: number | null;
            stop_on_new: boolean;
            total: number;
        };
        /**
         * BulkAnswer
         * @description Either ``id`` and ``existing``, or ``problem``.
         */
        BulkAnswer: {
            existing?: boolean;
            id?: string;
            problem?: components["schemas"]["ProblemDetails"];
        };
        /**
         * BulkAnswers
         * @description One item per run asked for, in order.
         */
        BulkAnswers: {
            items: components["schemas"]["BulkAnswer"][];
        };
        /**
         * BulkItem
         * @description One source run. ``run_id``, ``status`` and ``error_…`` are of its replay; ``problem`` says why there is none.
         */
        BulkItem: {
            error_message: string | null;
            error_type: string | null;
            position: number;
            problem: string | null;
            run_id: string | null;
            source_id: string;
            /** @enum {unknown} */
            state: "refused" | "started" | "waiting";
            status: ("cancelled" | "failed" | "queued" | "running" | "succeeded") | null;
        };
        /** BulkItems */
        BulkItems: {
            items: components["schemas"]["BulkItem"][];
            next_cursor: string | null;
        };
        /** BulkList */
        BulkList: {
            items: components["schemas"]["Bulk"][];
        };
        /**
         * BulkPreview
         * @description ``eligible``: matching runs that have finished. Of those, ``previewed`` were planned one by one.
         */
        BulkPreview: {
            eligible: number;
            matched: number;
            previewed: number;
            problems: components["schemas"]["RunProblem"][];
            will_run: number;
        };
        /**
         * BulkProgress
         * @description ``failed`` counts refused items and replays that failed.
         */
        BulkProgress: {
            failed: number;
            refused: number;
            running: number;
            started: number;
            succeeded: number;
            waiting: number;
        };
        /**
         * BulkReplay
         * @description ``canary``: counts (1, 10) or parts (0.1) after which to wait and look. ``rate``: replays per second.
         */
        BulkReplay: {
            /** @default [] */
            canary: number[];
            /** @default null */
            ids: string[] | null;
            /** @default  */
            q: string;
            /** @default null */
            rate: number | null;
            request: components["schemas"]["ReplayRequest"];
            /** @default null */
            stop_after: number | null;
            /** @default false */
            stop_on_new: boolean;
        };
        /**
         * BulkSelection
         * @description Which runs: those that a query means, or exactly those of ``ids``. ``request`` may hold no whole documents: they
         *         would copy one run's input to all others.
         */
        BulkSelection: {
            /** @default null */
            ids: string[] | null;
            /** @default  */
            q: string;
            request: components["schemas"]["ReplayRequest"];
        };
        /** BulkStart */
        BulkStart: {
            runs: components["schemas"]["BulkStartItem"][];
        };
        /** BulkStartItem */
        BulkStartItem: {
            /** @default 0 */
            delay_s: number;
            /** @default null */
            idempotency_key: string | null;
            input?: JsonText;
            /** @default {} */
            metadata: {
                [key: string]: string;
            };
            /** @default {} */
            playground: {
                [key: string]: {
                    [key: string]: components["schemas"]["Payload"];
                };
            };
            /** @default null */
            priority: number | null;
            /** @default null */
            version: string | null;
            workflow: string;
        };
        /** CancelAnswer */
        CancelAnswer: {
            /** @enum {unknown} */
            answer: "already_finished" | "cancel_requested" | "cancelled";
            changed: boolean;
            id: string;
            stopping: number;
            /** @enum {unknown} */
            was: "cancelled" | "failed" | "queued" | "running" | "succeeded";
        };
        /** CancelRequest */
        CancelRequest: {
            /** @default  */
            reason: string;
        };
        /** CodeRef */
        CodeRef: {
            digest: string;
            label: string;
            number: number;
        };
        /** CommonValue */
        CommonValue: {
            count: number;
            value: string;
        };
        /** ComparedCode */
        ComparedCode: {
            a: components["schemas"]["CodeRef"];
            b: components["schemas"]["CodeRef"];
        };
        /** ComparedSide */
        ComparedSide: {
            attempts: number;
            duration_ms: number | null;
            error: components["schemas"]["ErrorDetails"] | null;
            output?: JsonText;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "kept" | "not_reached" | "pending" | "queued" | "retrying" | "running" | "sleeping" | "succeeded";
        };
        /**
         * ComparedStep
         * @description ``why`` the two differ: the nearest cause that explains it.
         */
        ComparedStep: {
            a: components["schemas"]["ComparedSide"] | null;
            b: components["schemas"]["ComparedSide"] | null;
            name: string;
            same_output: boolean | null;
            why: ("code" | "edit" | "kept" | "none" | "upstream" | "variable") | null;
        };
        /**
         * Comparison
         * @description Two runs side by side. ``edits`` and ``overrides`` are those that lead from ``a`` to ``b``.
         */
        Comparison: {
            a: components["schemas"]["RunSummary"];
            b: components["schemas"]["RunSummary"];
            code: components["schemas"]["ComparedCode"];
            edits: components["schemas"]["EditShown"][];
            overrides: components["schemas"]["OverrideShown"][];
            steps: components["schemas"]["ComparedStep"][];
        };
        /** ControlRequest */
        ControlRequest: {
            /** @default  */
            reason: string;
        };
        /**
         * CreatedToken
         * @description ``token`` is shown this once; only its hash is stored.
         */
        CreatedToken: {
            created_at: string;
            expires_at: string | null;
            id: string;
            name: string;
            revoked_at: string | null;
            scopes: ("admin" | "operate" | "read" | "trigger" | "worker")[];
            token: string;
        };
        /**
         * Difference
         * @description How runs of a group differ in one thing (``input.lang``, ``version``, ``worker``, ``tag.team``), or do not.
         */
        Difference: {
            values: components["schemas"]["CommonValue"][];
            what: string;
        };
        /** DocumentList */
        DocumentList: {
            items: components["schemas"]["KeptDocument"][];
        };
        /**
         * EditOperation
         * @description One operation of a JSON Patch (RFC 6902).
         */
        EditOperation: {
            from?: string;
            /** @enum {unknown} */
            op: "add" | "copy" | "move" | "remove" | "replace" | "test";
            path: string;
            value?: JsonText;
        };
        /**
         * EditShown
         * @description ``step``: its name, or ``input`` for the run input. ``before`` and ``after`` are absent where nothing is.
         */
        EditShown: {
            after?: JsonText;
            before?: JsonText;
            op: string;
            path: string;
            step: string;
        };
        /**
         * ErrorDetails
         * @description An exception of user code; ``frames`` outermost first, ``cause`` the exception it was raised from.
         */
        ErrorDetails: {
            cause: components["schemas"]["ErrorDetails"] | null;
            frames: components["schemas"]["FrameLine"][];
            message: string;
            retryable: boolean;
            type: string;
        };
        /**
         * Event
         * @description Something that happened to a run; ``text`` tells it in words.
         */
        Event: {
            actor: string | null;
            at: string;
            attempt: number | null;
            detail: JsonText;
            kind: string;
            step: string | null;
            text: string;
        };
        /** EventList */
        EventList: {
            items: components["schemas"]["Event"][];
        };
        /** FrameLine */
        FrameLine: {
            code: string;
            file: string;
            function: string;
            in_app: boolean;
            line: number;
        };
        /** Graph */
        Graph: {
            edges: components["schemas"]["GraphEdge"][];
            nodes: components["schemas"]["GraphNode"][];
        };
        /**
         * GraphEdge
         * @description ``data`` is false for an edge that only orders.
         */
        GraphEdge: {
            data: boolean;
            source: string;
            target: string;
        };
        /** GraphNode */
        GraphNode: {
            /** @enum {unknown} */
            effect: "idempotent" | "irreversible" | "none";
            /** @enum {unknown} */
            kind: "call" | "on_failure" | "sleep";
            name: string;
        };
        /**
         * Group
         * @description Failed runs with one fingerprint. ``samples``: ids of the newest. ``recovered``: replayed with success.
         */
        Group: {
            activity: components["schemas"]["Bar"][];
            count: number;
            error_message: string;
            error_type: string;
            fingerprint: string;
            first_at: string;
            last_at: string;
            note: components["schemas"]["GroupNote"] | null;
            recovered: number;
            recurred: boolean;
            replayed: number;
            samples: string[];
            /** @enum {unknown} */
            status: "open" | "resolved" | "snoozed";
            step: string;
            versions: components["schemas"]["GroupVersion"][];
            workflow: string;
        };
        /** GroupCounts */
        GroupCounts: {
            open: number;
            resolved: number;
            snoozed: number;
        };
        /**
         * GroupDetail
         * @description ``normalised``: the error as the fingerprint sees it. ``differs_by``: drawn from the newest ``looked_at`` runs.
         *         ``error`` is of the newest run of all, ``runs`` are the samples.
         */
        GroupDetail: {
            activity: components["schemas"]["Bar"][];
            count: number;
            differs_by: components["schemas"]["Difference"][];
            error: components["schemas"]["ErrorDetails"] | null;
            error_message: string;
            error_type: string;
            fingerprint: string;
            first_at: string;
            last_at: string;
            looked_at: number;
            normalised: string;
            note: components["schemas"]["GroupNote"] | null;
            recovered: number;
            recurred: boolean;
            replayed: number;
            runs: components["schemas"]["RunSummary"][];
            samples: string[];
            /** @enum {unknown} */
            status: "open" | "resolved" | "snoozed";
            step: string;
            versions: components["schemas"]["GroupVersion"][];
            workflow: string;
        };
        /**
         * GroupNote
         * @description What somebody last said about a group. A snooze ends with whichever of ``until_…`` is given.
         */
        GroupNote: {
            actor: string;
            at: string;
            note: string;
            /** @enum {unknown} */
            status: "open" | "resolved" | "snoozed";
            until_at: string | null;
            until_more: number | null;
            until_version: boolean;
        };
        /**
         * GroupVersion
         * @description ``number`` is null for a version that is not known (any more).
         */
        GroupVersion: {
            digest: string;
            number: number | null;
        };
        /**
         * Histogram
         * @description Runs by time of creation; bars without any run are there too. ``searched_to`` as in ``RunCount``.
         */
        Histogram: {
            buckets: components["schemas"]["Bar"][];
            /** @default null */
            searched_to: string | null;
            width_s: number;
        };
        /**
         * Inbox
         * @description Groups by impact: those with most runs first. ``counts`` are of all groups, whatever was asked for.
         */
        Inbox: {
            counts: components["schemas"]["GroupCounts"];
            items: components["schemas"]["Group"][];
        };
        /**
         * Info
         * @description ``retention_s``: how long finished runs are kept; null: for ever.
         */
        Info: {
            actor: string;
            base_path: string;
            /** @enum {unknown} */
            mode: "dev" | "production";
            namespace: string;
            protocol: number;
            retention_s: number | null;
            scopes: ("admin" | "operate" | "read" | "trigger" | "worker")[];
            started_at: string;
            store: string;
            version: string;
        };
        /** KeepRequest */
        KeepRequest: {
            value: JsonText;
        };
        /**
         * KeptDocument
         * @description ``view``: a saved query; ``preset``: values for a step's variables; ``pin``: overrides for every new run of the
         *         workflow that ``key`` names; ``draft``: a replay that is being prepared.
         */
        KeptDocument: {
            at: string;
            by: string;
            key: string;
            /** @enum {unknown} */
            kind: "draft" | "pin" | "preset" | "view";
            value: JsonText;
        };
        /**
         * KeptFrom
         * @description The attempt whose result is reused.
         */
        KeptFrom: {
            attempt: number;
            run_id: string;
        };
        /**
         * Lineage
         * @description All runs of a family, oldest first.
         */
        Lineage: {
            family_id: string;
            runs: components["schemas"]["LineageRun"][];
        };
        /** LineageReplay */
        LineageReplay: {
            author: string;
            edits_count: number;
            overrides_count: number;
            reason: string;
            start_steps: string[];
        };
        /** LineageRun */
        LineageRun: {
            created_at: string;
            digest: string;
            duration_ms: number | null;
            error_message: string | null;
            error_type: string | null;
            failed_step: string | null;
            family_id: string;
            fingerprint: string | null;
            finished_at: string | null;
            generation: number;
            id: string;
            idempotency_key: string | null;
            input_head: string;
            metadata: {
                [key: string]: string;
            };
            parent_id: string | null;
            parent_step: string | null;
            priority: number;
            replay: components["schemas"]["LineageReplay"] | null;
            source_id: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "queued" | "running" | "succeeded";
            version: number;
            workflow: string;
        };
        /** LogEntry */
        LogEntry: {
            at: string;
            attempt: number;
            level: string;
            logger: string;
            message: string;
            position: number;
            step: string;
        };
        /**
         * LogPage
         * @description ``last``: ask for what comes after this position next.
         */
        LogPage: {
            items: components["schemas"]["LogEntry"][];
            last: number;
        };
        /** NewToken */
        NewToken: {
            /** @default null */
            expires_in_s: number | null;
            name: string;
            scopes: ("admin" | "operate" | "read" | "trigger" | "worker")[];
        };
        /**
         * NoteRequest
         * @description Resolve, snooze or open a group. A snooze needs an end: a moment, a span, more runs, or a new version.
         */
        NoteRequest: {
            /** @default null */
            for_s: number | null;
            /** @default  */
            note: string;
            /** @enum {unknown} */
            status: "open" | "resolved" | "snoozed";
            /** @default null */
            until_at: string | null;
            /** @default null */
            until_more: number | null;
            /** @default false */
            until_version: boolean;
        };
        /**
         * OverrideShown
         * @description ``before``: the value that the source run's step read.
         */
        OverrideShown: {
            after?: JsonText;
            before?: JsonText;
            name: string;
            step: string;
        };
        Payload: JsonText;
        /** PlannedCode */
        PlannedCode: {
            changed: boolean;
            choice: string;
            digest: string;
            number: number;
            source_digest: string;
            source_number: number;
        };
        /** PlannedStep */
        PlannedStep: {
            /** @enum {unknown} */
            action: "keep" | "not_reached" | "run";
            edited: boolean;
            /** @enum {unknown} */
            effect: "idempotent" | "irreversible" | "none";
            kept_from: components["schemas"]["KeptFrom"] | null;
            name: string;
            overrides: string[];
            ran_before: boolean;
            stale: boolean;
            why: string;
        };
        /**
         * ProblemDetails
         * @description RFC 9457. ``code`` is stable; ``detail`` is a sentence: whose fault, what next.
         */
        ProblemDetails: {
            code: string;
            detail: string;
            instance: string | null;
            problems: components["schemas"]["BrokenRule"][];
            status: number;
            title: string;
            type: string;
        };
        /**
         * Queue
         * @description Step runs that share a route, by what they do. ``workers``: names of those connected that can run them.
         */
        Queue: {
            oldest_at: string;
            ready: number;
            retrying: number;
            route: string;
            running: number;
            sleeping: number;
            step: string;
            waiting: string | null;
            workers: string[];
            workflow: string;
        };
        /** QueueList */
        QueueList: {
            items: components["schemas"]["Queue"][];
        };
        /**
         * ReplayCommand
         * @description ``token``: of the plan that was shown. If anything has changed since, the replay is refused.
         */
        ReplayCommand: {
            /** @default latest */
            code: string | number;
            /** @default false */
            fresh_key: boolean;
            /** @default false */
            from_beginning: boolean;
            input?: JsonText;
            /** @default [] */
            input_patch: components["schemas"]["EditOperation"][];
            /** @default {} */
            inputs: {
                [key: string]: components["schemas"]["Payload"];
            };
            /** @default {} */
            patches: {
                [key: string]: components["schemas"]["EditOperation"][];
            };
            /** @default {} */
            playground: {
                [key: string]: {
                    [key: string]: components["schemas"]["Payload"];
                };
            };
            /** @default  */
            reason: string;
            /** @default [] */
            reset_edits: string[];
            /** @default {} */
            reset_playground: {
                [key: string]: string[];
            };
            /** @default [] */
            start_steps: string[];
            /** @default null */
            token: string | null;
        };
        /**
         * Replayed
         * @description ``existing``: the idempotency key had already made this run.
         */
        Replayed: {
            existing: boolean;
            id: string;
            plan: components["schemas"]["ReplayPlan"];
            source_id: string;
        };
        /**
         * ReplayInfo
         * @description The replay that made a run. ``edits`` by step (``input`` for the run input), ``overrides`` given for it.
         */
        ReplayInfo: {
            author: string;
            code: string;
            created_at: string;
            edits: {
                [key: string]: components["schemas"]["EditOperation"][];
            };
            from_beginning: boolean;
            kept: {
                [key: string]: components["schemas"]["KeptFrom"];
            };
            overrides: {
                [key: string]: {
                    [key: string]: components["schemas"]["Payload"];
                };
            };
            reason: string;
            source_id: string;
            start_steps: string[];
        };
        /**
         * ReplayLink
         * @description A run that was made from this one.
         */
        ReplayLink: {
            author: string;
            created_at: string;
            id: string;
            reason: string;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "queued" | "running" | "succeeded";
        };
        /**
         * ReplayPlan
         * @description What a replay would do; nothing has been created. ``suggested_start_steps``: with these, nothing is stale.
         */
        ReplayPlan: {
            code: components["schemas"]["PlannedCode"];
            edits: components["schemas"]["EditShown"][];
            overrides: components["schemas"]["OverrideShown"][];
            source_id: string;
            stale: components["schemas"]["StaleStep"][];
            start_steps: string[];
            steps: components["schemas"]["PlannedStep"][];
            suggested_start_steps: string[];
            summary: string;
            token: string;
            warnings: string[];
            workflow: string;
        };
        /**
         * ReplayRequest
         * @description Which steps to run again and what to change. Nothing given: the failed steps, unchanged, on the latest code.
         *
         *         ``inputs``: whole edited documents by step; ``patches``: JSON Patches by step. ``code``: latest, same, or a
         *         version's number or digest.
         */
        ReplayRequest: {
            /** @default latest */
            code: string | number;
            /** @default false */
            fresh_key: boolean;
            /** @default false */
            from_beginning: boolean;
            input?: JsonText;
            /** @default [] */
            input_patch: components["schemas"]["EditOperation"][];
            /** @default {} */
            inputs: {
                [key: string]: components["schemas"]["Payload"];
            };
            /** @default {} */
            patches: {
                [key: string]: components["schemas"]["EditOperation"][];
            };
            /** @default {} */
            playground: {
                [key: string]: {
                    [key: string]: components["schemas"]["Payload"];
                };
            };
            /** @default  */
            reason: string;
            /** @default [] */
            reset_edits: string[];
            /** @default {} */
            reset_playground: {
                [key: string]: string[];
            };
            /** @default [] */
            start_steps: string[];
        };
        /** RetryPolicy */
        RetryPolicy: {
            cap_s: number;
            factor: number;
            first_s: number;
            retries: number;
        };
        /**
         * RunCount
         * @description ``searched_to``: a search in inputs has counted the runs since then only.
         */
        RunCount: {
            by_status: {
                [key: string]: number;
            };
            /** @default null */
            searched_to: string | null;
            total: number;
        };
        /**
         * RunDetail
         * @description A run with its steps. ``output``: of a task's only step. ``waiting``: why nothing runs, if nothing does.
         *         ``children``: how many runs its steps have started, by status.
         */
        RunDetail: {
            children: {
                [key: string]: number;
            };
            created_at: string;
            digest: string;
            duration_ms: number | null;
            error_message: string | null;
            error_type: string | null;
            failed_step: string | null;
            failure: components["schemas"]["ErrorDetails"] | null;
            family_id: string;
            fingerprint: string | null;
            finished_at: string | null;
            generation: number;
            graph: components["schemas"]["Graph"];
            id: string;
            idempotency_key: string | null;
            input: JsonText;
            input_head: string;
            is_task: boolean;
            metadata: {
                [key: string]: string;
            };
            output?: JsonText;
            parent_id: string | null;
            parent_step: string | null;
            priority: number;
            replay: components["schemas"]["ReplayInfo"] | null;
            replays: components["schemas"]["ReplayLink"][];
            source_id: string | null;
            started_at: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "queued" | "running" | "succeeded";
            steps: components["schemas"]["StepSummary"][];
            version: number;
            waiting: string | null;
            workflow: string;
        };
        /**
         * RunList
         * @description ``searched_to``: a search in inputs has looked at the runs since then and found no more, so that the page is
         *         short, or empty; those before are searched with ``next_cursor``.
         */
        RunList: {
            items: components["schemas"]["RunSummary"][];
            next_cursor: string | null;
            /** @default null */
            searched_to: string | null;
        };
        /** RunProblem */
        RunProblem: {
            problem: string;
            run_id: string;
        };
        /**
         * RunSummary
         * @description One run as a line of a list. ``version`` is the number, ``digest`` the content hash of its workflow version.
         */
        RunSummary: {
            created_at: string;
            digest: string;
            duration_ms: number | null;
            error_message: string | null;
            error_type: string | null;
            failed_step: string | null;
            family_id: string;
            fingerprint: string | null;
            finished_at: string | null;
            generation: number;
            id: string;
            idempotency_key: string | null;
            input_head: string;
            metadata: {
                [key: string]: string;
            };
            parent_id: string | null;
            parent_step: string | null;
            priority: number;
            source_id: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "queued" | "running" | "succeeded";
            version: number;
            workflow: string;
        };
        /** SignIn */
        SignIn: {
            token: string;
        };
        /**
         * Span
         * @description One attempt on the timeline; ``outcome`` is null while it runs.
         */
        Span: {
            attempt: number;
            error_type: string | null;
            finished_at: string | null;
            outcome: ("cancelled" | "failed" | "lost" | "succeeded" | "timed_out") | null;
            queued_at: string;
            started_at: string | null;
            worker: string | null;
        };
        /** StaleStep */
        StaleStep: {
            step: string;
            why: string;
        };
        /**
         * StartRequest
         * @description ``version``: number or digest of exactly the code to run; by default any worker's that fits.
         */
        StartRequest: {
            /** @default 0 */
            delay_s: number;
            input?: JsonText;
            /** @default {} */
            metadata: {
                [key: string]: string;
            };
            /** @default {} */
            playground: {
                [key: string]: {
                    [key: string]: components["schemas"]["Payload"];
                };
            };
            /** @default null */
            priority: number | null;
            /** @default null */
            version: string | null;
            workflow: string;
        };
        /**
         * StepDetail
         * @description A step run in full. ``input`` is absent, and ``input_problem`` says why, while it cannot be known.
         */
        StepDetail: {
            arguments: components["schemas"]["ArgumentOrigin"][];
            attempt: number;
            attempts: number;
            chosen_attempt: number | null;
            doc: string;
            due_at: string | null;
            duration_ms: number | null;
            edited: boolean;
            edits: components["schemas"]["EditOperation"][];
            /** @enum {unknown} */
            effect: "idempotent" | "irreversible" | "none";
            error_message: string | null;
            error_type: string | null;
            file: string;
            finished_at: string | null;
            input?: JsonText;
            input_problem: string | null;
            input_schema: JsonText;
            kept_from: components["schemas"]["KeptFrom"] | null;
            /** @enum {unknown} */
            kind: "call" | "on_failure" | "sleep";
            line: number;
            name: string;
            output?: JsonText;
            output_schema: JsonText;
            queue_timeout_s: number | null;
            queued_at: string | null;
            retry: components["schemas"]["RetryPolicy"];
            run_id: string;
            spans: components["schemas"]["Span"][];
            started_at: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "kept" | "not_reached" | "pending" | "queued" | "retrying" | "running" | "sleeping" | "succeeded";
            timeout_s: number | null;
            tries: components["schemas"]["AttemptDetail"][];
            variables: components["schemas"]["StepVariable"][];
            waiting: string | null;
            worker: string | null;
            workflow: string;
        };
        /**
         * StepShape
         * @description A step as declared in code.
         */
        StepShape: {
            arguments: components["schemas"]["ArgumentOrigin"][];
            at_most_once: boolean;
            doc: string;
            /** @enum {unknown} */
            effect: "idempotent" | "irreversible" | "none";
            file: string;
            input_schema: JsonText;
            /** @enum {unknown} */
            kind: "call" | "on_failure" | "sleep";
            line: number;
            name: string;
            output_schema: JsonText;
            parents: string[];
            queue_timeout_s: number | null;
            retry: components["schemas"]["RetryPolicy"];
            sleep_s: number | null;
            timeout_s: number | null;
        };
        /**
         * StepSummary
         * @description ``attempts`` counts those so far, ``attempt`` is the last one's number. ``waiting`` says why it does not run.
         */
        StepSummary: {
            attempt: number;
            attempts: number;
            due_at: string | null;
            duration_ms: number | null;
            edited: boolean;
            /** @enum {unknown} */
            effect: "idempotent" | "irreversible" | "none";
            error_message: string | null;
            error_type: string | null;
            finished_at: string | null;
            kept_from: components["schemas"]["KeptFrom"] | null;
            /** @enum {unknown} */
            kind: "call" | "on_failure" | "sleep";
            name: string;
            queued_at: string | null;
            spans: components["schemas"]["Span"][];
            started_at: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "failed" | "kept" | "not_reached" | "pending" | "queued" | "retrying" | "running" | "sleeping" | "succeeded";
            waiting: string | null;
            worker: string | null;
        };
        /**
         * StepVariable
         * @description ``read``: the chosen attempt read it. ``override``: in force for this step. ``value``: as last read.
         */
        StepVariable: {
            default: JsonText;
            file: string;
            line: number;
            name: string;
            override?: JsonText;
            read: boolean;
            schema: JsonText;
            value?: JsonText;
        };
        /** TokenList */
        TokenList: {
            items: components["schemas"]["TokenSummary"][];
        };
        /** TokenSummary */
        TokenSummary: {
            created_at: string;
            expires_at: string | null;
            id: string;
            name: string;
            revoked_at: string | null;
            scopes: ("admin" | "operate" | "read" | "trigger" | "worker")[];
        };
        /**
         * VariableReading
         * @description A playground variable as one attempt read it.
         */
        VariableReading: {
            default: JsonText;
            file: string;
            line: number;
            name: string;
            override?: JsonText;
            schema: JsonText;
            value: JsonText;
        };
        /** VariableSeen */
        VariableSeen: {
            default: JsonText;
            file: string;
            line: number;
            name: string;
            schema: JsonText;
            seen_at: string;
            step: string;
        };
        /** VersionRef */
        VersionRef: {
            digest: string;
            label: string;
            number: number;
            registered_at: string;
        };
        /** WorkerDetail */
        WorkerDetail: {
            host: string;
            id: string;
            labels: {
                [key: string]: string;
            };
            lag_ms: number;
            name: string;
            pid: number;
            running: number;
            sdk: string;
            seen_at: string;
            slots: number;
            started_at: string;
            /** @enum {unknown} */
            state: "active" | "draining" | "gone";
            workflows: components["schemas"]["WorkerWorkflow"][];
        };
        /** WorkerList */
        WorkerList: {
            items: components["schemas"]["WorkerDetail"][];
        };
        /**
         * WorkerWorkflow
         * @description ``number`` is null for a version that is not registered (any more).
         */
        WorkerWorkflow: {
            digest: string;
            name: string;
            number: number | null;
        };
        /**
         * WorkflowDetail
         * @description One version of a workflow, with the list of all of them.
         */
        WorkflowDetail: {
            digest: string;
            doc: string;
            graph: components["schemas"]["Graph"];
            input_schema: JsonText;
            is_task: boolean;
            label: string;
            name: string;
            number: number;
            registered_at: string;
            steps: components["schemas"]["StepShape"][];
            variables: components["schemas"]["VariableSeen"][];
            versions: components["schemas"]["VersionRef"][];
        };
        /** WorkflowList */
        WorkflowList: {
            items: components["schemas"]["WorkflowSummary"][];
        };
        /**
         * WorkflowSummary
         * @description ``version`` is the latest number, ``versions`` how many there are; ``counts`` of the last 24 hours' runs.
         */
        WorkflowSummary: {
            counts: {
                [key: string]: number;
            };
            digest: string;
            doc: string;
            is_task: boolean;
            name: string;
            registered_at: string;
            steps: number;
            version: number;
            versions: number;
            workers: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type ArgumentOrigin = components['schemas']['ArgumentOrigin'];
export type AttemptDetail = components['schemas']['AttemptDetail'];
export type Bar = components['schemas']['Bar'];
export type BrokenRule = components['schemas']['BrokenRule'];
export type Bulk = components['schemas']['Bulk'];
export type BulkAnswer = components['schemas']['BulkAnswer'];
export type BulkAnswers = components['schemas']['BulkAnswers'];
export type BulkItem = components['schemas']['BulkItem'];
export type BulkItems = components['schemas']['BulkItems'];
export type BulkList = components['schemas']['BulkList'];
export type BulkPreview = components['schemas']['BulkPreview'];
export type BulkProgress = components['schemas']['BulkProgress'];
export type BulkReplay = components['schemas']['BulkReplay'];
export type BulkSelection = components['schemas']['BulkSelection'];
export type BulkStart = components['schemas']['BulkStart'];
export type BulkStartItem = components['schemas']['BulkStartItem'];
export type CancelAnswer = components['schemas']['CancelAnswer'];
export type CancelRequest = components['schemas']['CancelRequest'];
export type CodeRef = components['schemas']['CodeRef'];
export type CommonValue = components['schemas']['CommonValue'];
export type ComparedCode = components['schemas']['ComparedCode'];
export type ComparedSide = components['schemas']['ComparedSide'];
export type ComparedStep = components['schemas']['ComparedStep'];
export type Comparison = components['schemas']['Comparison'];
export type ControlRequest = components['schemas']['ControlRequest'];
export type CreatedToken = components['schemas']['CreatedToken'];
export type Difference = components['schemas']['Difference'];
export type DocumentList = components['schemas']['DocumentList'];
export type EditOperation = components['schemas']['EditOperation'];
export type EditShown = components['schemas']['EditShown'];
export type ErrorDetails = components['schemas']['ErrorDetails'];
export type Event = components['schemas']['Event'];
export type EventList = components['schemas']['EventList'];
export type FrameLine = components['schemas']['FrameLine'];
export type Graph = components['schemas']['Graph'];
export type GraphEdge = components['schemas']['GraphEdge'];
export type GraphNode = components['schemas']['GraphNode'];
export type Group = components['schemas']['Group'];
export type GroupCounts = components['schemas']['GroupCounts'];
export type GroupDetail = components['schemas']['GroupDetail'];
export type GroupNote = components['schemas']['GroupNote'];
export type GroupVersion = components['schemas']['GroupVersion'];
export type Histogram = components['schemas']['Histogram'];
export type Inbox = components['schemas']['Inbox'];
export type Info = components['schemas']['Info'];
export type KeepRequest = components['schemas']['KeepRequest'];
export type KeptDocument = components['schemas']['KeptDocument'];
export type KeptFrom = components['schemas']['KeptFrom'];
export type Lineage = components['schemas']['Lineage'];
export type LineageReplay = components['schemas']['LineageReplay'];
export type LineageRun = components['schemas']['LineageRun'];
export type LogEntry = components['schemas']['LogEntry'];
export type LogPage = components['schemas']['LogPage'];
export type NewToken = components['schemas']['NewToken'];
export type NoteRequest = components['schemas']['NoteRequest'];
export type OverrideShown = components['schemas']['OverrideShown'];
export type Payload = components['schemas']['Payload'];
export type PlannedCode = components['schemas']['PlannedCode'];
export type PlannedStep = components['schemas']['PlannedStep'];
export type ProblemDetails = components['schemas']['ProblemDetails'];
export type Queue = components['schemas']['Queue'];
export type QueueList = components['schemas']['QueueList'];
export type ReplayCommand = components['schemas']['ReplayCommand'];
export type Replayed = components['schemas']['Replayed'];
export type ReplayInfo = components['schemas']['ReplayInfo'];
export type ReplayLink = components['schemas']['ReplayLink'];
export type ReplayPlan = components['schemas']['ReplayPlan'];
export type ReplayRequest = components['schemas']['ReplayRequest'];
export type RetryPolicy = components['schemas']['RetryPolicy'];
export type RunCount = components['schemas']['RunCount'];
export type RunDetail = components['schemas']['RunDetail'];
export type RunList = components['schemas']['RunList'];
export type RunProblem = components['schemas']['RunProblem'];
export type RunSummary = components['schemas']['RunSummary'];
export type SignIn = components['schemas']['SignIn'];
export type Span = components['schemas']['Span'];
export type StaleStep = components['schemas']['StaleStep'];
export type StartRequest = components['schemas']['StartRequest'];
export type StepDetail = components['schemas']['StepDetail'];
export type StepShape = components['schemas']['StepShape'];
export type StepSummary = components['schemas']['StepSummary'];
export type StepVariable = components['schemas']['StepVariable'];
export type TokenList = components['schemas']['TokenList'];
export type TokenSummary = components['schemas']['TokenSummary'];
export type VariableReading = components['schemas']['VariableReading'];
export type VariableSeen = components['schemas']['VariableSeen'];
export type VersionRef = components['schemas']['VersionRef'];
export type WorkerDetail = components['schemas']['WorkerDetail'];
export type WorkerList = components['schemas']['WorkerList'];
export type WorkerWorkflow = components['schemas']['WorkerWorkflow'];
export type WorkflowDetail = components['schemas']['WorkflowDetail'];
export type WorkflowList = components['schemas']['WorkflowList'];
export type WorkflowSummary = components['schemas']['WorkflowSummary'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
