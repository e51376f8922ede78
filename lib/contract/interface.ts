/**
 * The interface as clients of the ancestor's RPC library ask for it, with the method
 * `barrister-idl`: the ancestor's methods that are served here, with all fields of ours. Our other
 * methods are not in it, nor are values of any type, which it has no words for. Pure.
 *
 * Source: Barrister RPC, the JSON form of its IDL.
 * @module
 */

/** Types that need no definition. */
const BASIC = ["string", "int", "float", "bool"] as const;

const ENUMS: Readonly<Record<string, readonly string[]>> = {
  VolumeMountType: ["bind", "volume", "tmpfs"],
  IdleMode: ["stop", "freeze"],
  OnColdStart: ["hold", "page", "fail"],
  StartParallelism: ["parallel", "series", "seriesfirst"],
  RestartOrder: ["startstop", "stopstart"],
  CronOverlap: ["allow", "skip", "queue", "replace"],
  CronMissed: ["skip", "latest", "all"],
  EventSourceType: ["http", "cron", "sqs", "awsstepfunc", "queue"],
  ComponentStatus: ["starting", "active", "frozen", "stopping"],
  NodeState: ["ready", "cordoned", "draining"],
  ItemKind: ["component", "eventSource"],
  FieldChangeKind: ["added", "changed", "removed"],
};

/** Fields of structs: `?` after the name of an optional one, `[]` after the type of a list. */
const STRUCTS: Readonly<Record<string, string>> = {
  NameValue: "name string, value string",
  VolumeMount: "type? VolumeMountType, source string, target string, readOnly? bool",
  DockerComponent: `
    image string, command? string[], entrypoint? string[], httpPort int,
    httpHealthCheckPath? string, httpStartHealthCheckSeconds? int, httpHealthCheckSeconds? int,
    httpHealthCheckMaxFailures? int, healthCheckFailedCommand? string[], idleTimeoutSeconds? int,
    idleMode? IdleMode, frozenTimeoutSeconds? int, ports? string[], volumes? VolumeMount[],
    networkName? string, logDriver? string, logDriverOptions? NameValue[], cpuShares? int,
    reserveMemoryMiB? int, limitMemoryMiB? int, pullCommand? string[], pullUsername? string,
    pullPassword? string, pullImageOnPut? bool, pullImageOnStart? bool, dns? string[],
    dnsOptions? string[], dnsSearch? string[], ulimits? string[], init? bool, hostname? string,
    domainname? string, user? string, capadd? string[], capdrop? string[]`,
  Component: `
    name string, projectName? string, environment NameValue[], minInstances? int,
    maxInstances? int, maxInstancesPerNode? int, maxUnavailable? int, constraints? string[],
    maxConcurrency int, softConcurrencyLimit? bool, scaleUpConcurrencyPct? float,
    scaleDownConcurrencyPct? float, maxDurationSeconds? int, queueTimeoutSeconds? int,
    firstByteTimeoutSeconds? int, maxBodyBytes? int, onColdStart? OnColdStart,
    startParallelism? StartParallelism, RestartOrder? RestartOrder, version int,
    modifiedAt? int, docker DockerComponent`,
  HttpEventSource: "hostname? string, pathPrefix? string, stripPrefix? bool",
  CronHttpRequest: "method string, path string, data? string, headers? NameValue[]",
  CronEventSource: `
    schedule string, timezone? string, overlap? CronOverlap, missed? CronMissed, missedMax? int,
    jitterSeconds? int, retries? int, retryDelaySeconds? int, http CronHttpRequest`,
  SqsEventSource: `
    queueName string, nameAsPrefix? bool, path string, maxConcurrency? int,
    messagesPerPoll? int, concurrencyPerPoller? int, visibilityTimeout? int, batch? bool,
    region? string, endpoint? string`,
  AwsStepFunctionEventSource: `
    activityName string, path string, maxConcurrency? int, concurrencyPerPoller? int,
    heartbeatSeconds? int, region? string, endpoint? string`,
  QueueEventSource: `
    name string, path string, maxConcurrency? int, concurrencyPerPoller? int,
    visibilitySeconds? int, maxReceives? int, deadLetterQueue? string, retentionSeconds? int,
    maxLength? int, batch? bool, open? bool`,
  EventSource: `
    name string, componentName string, projectName? string, version int, modifiedAt int,
    http? HttpEventSource, cron? CronEventSource, sqs? SqsEventSource,
    awsstepfunc? AwsStepFunctionEventSource, queue? QueueEventSource`,
  SourceError: "reason string, since int, retryAt int",
  SourceStatus: `
    eventSourceName string, componentName string, demand int, maxConcurrency int, inFlight int,
    waiting int, dead int, handled int, failed int, repeated int, undeleted int,
    error? SourceError`,
  EventSourceWithStatus: "eventSource EventSource, enabled bool, status? SourceStatus",
  ComponentWithEventSources: "component Component, eventSources EventSourceWithStatus[]",
  Project: "name string, components ComponentWithEventSources[]",
  ProjectInfo: "projectName string, componentCount int, eventSourceCount int",
  FieldChange: "path string, change FieldChangeKind, secret? bool",
  ItemChange: "kind ItemKind, name string, fields FieldChange[]",
  ComponentActivity: "requests int, concurrency float",
  HealthResult: "at int, healthy bool, detail string",
  ComponentInfo: `
    componentName string, componentVersion int, status ComponentStatus, maxConcurrency int,
    memoryReservedMiB int, startTime int, lastRequestTime int, totalRequests int,
    activity ComponentActivity[], containerName string, inFlight int, admits int,
    progress? string, health HealthResult[]`,
  "ComponentInstance extends ComponentInfo": "nodeId string",
  ComponentFailure: `
    componentName string, componentVersion int, message string, attempts int, retryAt int,
    pullRetryAt? int, lines string[], health HealthResult[]`,
  "ComponentFailureOnNode extends ComponentFailure": "nodeId string",
  Refusal: "componentName string, version? int, reason string",
  ComponentOnNodes: `
    instances ComponentInstance[], failures ComponentFailureOnNode[], refused? Refusal`,
  ComponentWaiting: "componentName string, count int",
  RoleHeld: "role string, epoch int",
  Labels: "",
  NodeStatus: `
    nodeId string, startedAt int, observedAt int, version int, peerUrl string,
    totalMemoryMiB int, freeMemoryMiB int, numCPUs int, loadAvg1m float, loadAvg5m float,
    loadAvg15m float, runningComponents ComponentInfo[], failures ComponentFailure[],
    waiting ComponentWaiting[], roles RoleHeld[], sources SourceStatus[], state NodeState,
    stuck? Refusal[], isLeaving bool, labels Labels, protocol int, oldestProtocol? int,
    reached? string[]`,
};

/** Functions by interface: what they take and what they give, as the fields of two structs. */
const FUNCTIONS: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>> = {
  MaelstromService: {
    ListProjects: ["namePrefix? string", "projects ProjectInfo[]"],
    PutProject: [
      "project Project, diffOnly? bool",
      `name string, componentsAdded Component[], componentsUpdated Component[],
       componentsRemoved string[], eventSourcesAdded EventSource[],
       eventSourcesUpdated EventSource[], eventSourcesRemoved string[], changes ItemChange[]`,
    ],
    GetProject: ["name string", "project Project"],
    RemoveProject: ["name string", "name string, found bool"],
    PutComponent: ["component Component", "name string, version int"],
    GetComponent: ["name string", "component Component, status ComponentOnNodes"],
    RemoveComponent: ["name string", "name string, found bool"],
    ListComponents: [
      "namePrefix? string, projectName? string, limit? int, nextToken? string",
      "components Component[], nextToken? string",
    ],
    PutEventSource: ["eventSource EventSource", "name string, version int"],
    GetEventSource: ["name string", "eventSource EventSource"],
    RemoveEventSource: ["name string", "name string, found bool"],
    ToggleEventSources: [
      `enabled bool, namePrefix? string, componentName? string, projectName? string,
       eventSourceType? EventSourceType`,
      "enabled bool, eventSourceNames string[]",
    ],
    ListEventSources: [
      `namePrefix? string, componentName? string, projectName? string,
       eventSourceType? EventSourceType, limit? int, nextToken? string`,
      "eventSources EventSourceWithStatus[], nextToken? string",
    ],
  },
  NodeService: {
    ListNodeStatus: [
      "forceRefresh? bool",
      "respondingNodeId string, nodes NodeStatus[], silentNodeIds? string[]",
    ],
    GetStatus: ["", "status NodeStatus"],
  },
};

/** A field of a struct, a parameter, or what a function gives. */
export interface IdlField {
  readonly name: string;
  readonly type: string;
  readonly is_array: boolean;
  readonly optional: boolean;
  readonly comment: string;
}

/** An element of the interface. */
export type IdlElement =
  | { readonly type: "comment"; readonly value: string }
  | {
    readonly type: "enum";
    readonly name: string;
    readonly comment: string;
    readonly values: readonly { readonly value: string; readonly comment: string }[];
  }
  | {
    readonly type: "struct";
    readonly name: string;
    readonly extends: string;
    readonly comment: string;
    readonly fields: readonly IdlField[];
  }
  | {
    readonly type: "interface";
    readonly name: string;
    readonly comment: string;
    readonly functions: readonly {
      readonly name: string;
      readonly comment: string;
      readonly params: readonly IdlField[];
      readonly returns: IdlField;
    }[];
  }
  | {
    readonly type: "meta";
    readonly barrister_version: string;
    readonly date_generated: number;
    readonly checksum: string;
  };

/** The elements, each type before what uses it. */
export function interfaceElements(): IdlElement[] {
  const enums = Object.entries(ENUMS).map(([name, values]): IdlElement => ({
    type: "enum",
    name,
    comment: "",
    values: values.map((value) => ({ value, comment: "" })),
  }));
  const structs = Object.entries(STRUCTS).map(([head, fields]) => struct(head, fields));
  const interfaces = Object.entries(FUNCTIONS).flatMap(([name, functions]): IdlElement[] => [
    ...Object.entries(functions).flatMap(([name, [input, output]]) => [
      struct(`${name}Input`, input),
      struct(`${name}Output`, output),
    ]),
    {
      type: "interface",
      name,
      comment: "",
      functions: Object.keys(functions).map((name) => ({
        name,
        comment: "",
        params: [field(`input ${name}Input`)],
        returns: { ...field(`output ${name}Output`), name: "" },
      })),
    },
  ]);
  return [
    { type: "comment", value: "The ancestor's methods that this node serves." },
    ...enums,
    ...structs,
    ...interfaces,
    { type: "meta", barrister_version: "0.1.6", date_generated: 0, checksum: "" },
  ];
}

function struct(head: string, text: string): IdlElement {
  const [name = "", parent = ""] = head.split(" extends ");
  const fields = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return { type: "struct", name, extends: parent, comment: "", fields: fields.map(field) };
}

function field(text: string): IdlField {
  const [, name, mark, type = "", list] = /^(\w+)(\??) (\w+)(\[\])?$/.exec(text) ?? [];
  const isKnown = (BASIC as readonly string[]).includes(type) || /^[A-Z]/.test(type);
  if (name === undefined || !isKnown) throw new Error(`cannot read the field ${text}`);
  return { name, type, is_array: list !== undefined, optional: mark === "?", comment: "" };
}
