/**
 * The protobuf messages that kubectl's typed commands (`create namespace`, `auth can-i`, `create token`, …) send, one per
 * line: name, then `field=number` with `:` one, `*` many or `{` a map from strings, and the type. From the
 * `generated.proto` files of k8s.io/api and k8s.io/apimachinery 1.32, without status and cloud volumes.
 */
export const MESSAGES = `
apps.v1.DaemonSet metadata=1:meta.ObjectMeta spec=2:apps.v1.DaemonSetSpec
apps.v1.DaemonSetSpec selector=1:meta.LabelSelector template=2:core.v1.PodTemplateSpec updateStrategy=3:apps.v1.DaemonSetUpdateStrategy minReadySeconds=4:int revisionHistoryLimit=6:int
apps.v1.DaemonSetUpdateStrategy type=1:string rollingUpdate=2:apps.v1.RollingUpdateDaemonSet
apps.v1.Deployment metadata=1:meta.ObjectMeta spec=2:apps.v1.DeploymentSpec
apps.v1.DeploymentSpec replicas=1:int selector=2:meta.LabelSelector template=3:core.v1.PodTemplateSpec strategy=4:apps.v1.DeploymentStrategy minReadySeconds=5:int revisionHistoryLimit=6:int paused=7:bool progressDeadlineSeconds=9:int
apps.v1.DeploymentStrategy type=1:string rollingUpdate=2:apps.v1.RollingUpdateDeployment
apps.v1.ReplicaSet metadata=1:meta.ObjectMeta spec=2:apps.v1.ReplicaSetSpec
apps.v1.ReplicaSetSpec replicas=1:int minReadySeconds=4:int selector=2:meta.LabelSelector template=3:core.v1.PodTemplateSpec
apps.v1.RollingUpdateDaemonSet maxUnavailable=1:IntOrString maxSurge=2:IntOrString
apps.v1.RollingUpdateDeployment maxUnavailable=1:IntOrString maxSurge=2:IntOrString
apps.v1.RollingUpdateStatefulSetStrategy partition=1:int maxUnavailable=2:IntOrString
apps.v1.StatefulSet metadata=1:meta.ObjectMeta spec=2:apps.v1.StatefulSetSpec
apps.v1.StatefulSetOrdinals start=1:int
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=1:string whenScaled=2:string
apps.v1.StatefulSetSpec replicas=1:int selector=2:meta.LabelSelector template=3:core.v1.PodTemplateSpec volumeClaimTemplates=4*core.v1.PersistentVolumeClaim serviceName=5:string podManagementPolicy=6:string updateStrategy=7:apps.v1.StatefulSetUpdateStrategy revisionHistoryLimit=8:int minReadySeconds=9:int persistentVolumeClaimRetentionPolicy=10:apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy ordinals=11:apps.v1.StatefulSetOrdinals
apps.v1.StatefulSetUpdateStrategy type=1:string rollingUpdate=2:apps.v1.RollingUpdateStatefulSetStrategy
authentication.v1.BoundObjectReference kind=1:string apiVersion=2:string name=3:string uID=4:string
authentication.v1.ExtraValue items=1*string
authentication.v1.SelfSubjectReview metadata=1:meta.ObjectMeta status=2:authentication.v1.SelfSubjectReviewStatus
authentication.v1.SelfSubjectReviewStatus userInfo=1:authentication.v1.UserInfo
authentication.v1.TokenRequest metadata=1:meta.ObjectMeta spec=2:authentication.v1.TokenRequestSpec status=3:authentication.v1.TokenRequestStatus
authentication.v1.TokenRequestSpec audiences=1*string expirationSeconds=4:int boundObjectRef=3:authentication.v1.BoundObjectReference
authentication.v1.TokenRequestStatus token=1:string expirationTimestamp=2:Time
authentication.v1.TokenReview metadata=1:meta.ObjectMeta spec=2:authentication.v1.TokenReviewSpec status=3:authentication.v1.TokenReviewStatus
authentication.v1.TokenReviewSpec token=1:string audiences=2*string
authentication.v1.TokenReviewStatus authenticated=1:bool user=2:authentication.v1.UserInfo audiences=4*string error=3:string
authentication.v1.UserInfo username=1:string uid=2:string groups=3*string extra=4{authentication.v1.ExtraValue
authorization.v1.ExtraValue items=1*string
authorization.v1.FieldSelectorAttributes rawSelector=1:string requirements=2*meta.FieldSelectorRequirement
authorization.v1.LabelSelectorAttributes rawSelector=1:string requirements=2*meta.LabelSelectorRequirement
authorization.v1.LocalSubjectAccessReview metadata=1:meta.ObjectMeta spec=2:authorization.v1.SubjectAccessReviewSpec status=3:authorization.v1.SubjectAccessReviewStatus
authorization.v1.NonResourceAttributes path=1:string verb=2:string
authorization.v1.NonResourceRule verbs=1*string nonResourceURLs=2*string
authorization.v1.ResourceAttributes namespace=1:string verb=2:string group=3:string version=4:string resource=5:string subresource=6:string name=7:string fieldSelector=8:authorization.v1.FieldSelectorAttributes labelSelector=9:authorization.v1.LabelSelectorAttributes
authorization.v1.ResourceRule verbs=1*string apiGroups=2*string resources=3*string resourceNames=4*string
authorization.v1.SelfSubjectAccessReview metadata=1:meta.ObjectMeta spec=2:authorization.v1.SelfSubjectAccessReviewSpec status=3:authorization.v1.SubjectAccessReviewStatus
authorization.v1.SelfSubjectAccessReviewSpec resourceAttributes=1:authorization.v1.ResourceAttributes nonResourceAttributes=2:authorization.v1.NonResourceAttributes
authorization.v1.SelfSubjectRulesReview metadata=1:meta.ObjectMeta spec=2:authorization.v1.SelfSubjectRulesReviewSpec status=3:authorization.v1.SubjectRulesReviewStatus
authorization.v1.SelfSubjectRulesReviewSpec namespace=1:string
authorization.v1.SubjectAccessReview metadata=1:meta.ObjectMeta spec=2:authorization.v1.SubjectAccessReviewSpec status=3:authorization.v1.SubjectAccessReviewStatus
authorization.v1.SubjectAccessReviewSpec resourceAttributes=1:authorization.v1.ResourceAttributes nonResourceAttributes=2:authorization.v1.NonResourceAttributes user=3:string groups=4*string extra=5{authorization.v1.ExtraValue uid=6:string
authorization.v1.SubjectAccessReviewStatus allowed=1:bool denied=4:bool reason=2:string evaluationError=3:string
authorization.v1.SubjectRulesReviewStatus resourceRules=1*authorization.v1.ResourceRule nonResourceRules=2*authorization.v1.NonResourceRule incomplete=3:bool evaluationError=4:string
autoscaling.v1.Scale metadata=1:meta.ObjectMeta spec=2:autoscaling.v1.ScaleSpec
autoscaling.v1.ScaleSpec replicas=1:int
batch.v1.CronJob metadata=1:meta.ObjectMeta spec=2:batch.v1.CronJobSpec
batch.v1.CronJobSpec schedule=1:string timeZone=8:string startingDeadlineSeconds=2:int concurrencyPolicy=3:string suspend=4:bool jobTemplate=5:batch.v1.JobTemplateSpec successfulJobsHistoryLimit=6:int failedJobsHistoryLimit=7:int
batch.v1.Job metadata=1:meta.ObjectMeta spec=2:batch.v1.JobSpec
batch.v1.JobSpec parallelism=1:int completions=2:int activeDeadlineSeconds=3:int podFailurePolicy=11:batch.v1.PodFailurePolicy successPolicy=16:batch.v1.SuccessPolicy backoffLimit=7:int backoffLimitPerIndex=12:int maxFailedIndexes=13:int selector=4:meta.LabelSelector manualSelector=5:bool template=6:core.v1.PodTemplateSpec ttlSecondsAfterFinished=8:int completionMode=9:string suspend=10:bool podReplacementPolicy=14:string managedBy=15:string
batch.v1.JobTemplateSpec metadata=1:meta.ObjectMeta spec=2:batch.v1.JobSpec
batch.v1.PodFailurePolicy rules=1*batch.v1.PodFailurePolicyRule
batch.v1.PodFailurePolicyOnExitCodesRequirement containerName=1:string operator=2:string values=3*int
batch.v1.PodFailurePolicyOnPodConditionsPattern type=1:string
batch.v1.PodFailurePolicyRule action=1:string onExitCodes=2:batch.v1.PodFailurePolicyOnExitCodesRequirement onPodConditions=3*batch.v1.PodFailurePolicyOnPodConditionsPattern
batch.v1.SuccessPolicy rules=1*batch.v1.SuccessPolicyRule
batch.v1.SuccessPolicyRule succeededIndexes=1:string succeededCount=2:int
coordination.v1.Lease metadata=1:meta.ObjectMeta spec=2:coordination.v1.LeaseSpec
coordination.v1.LeaseSpec holderIdentity=1:string leaseDurationSeconds=2:int acquireTime=3:MicroTime renewTime=4:MicroTime leaseTransitions=5:int strategy=6:string preferredHolder=7:string
core.v1.Affinity nodeAffinity=1:core.v1.NodeAffinity podAffinity=2:core.v1.PodAffinity podAntiAffinity=3:core.v1.PodAntiAffinity
core.v1.AppArmorProfile type=1:string localhostProfile=2:string
core.v1.Binding metadata=1:meta.ObjectMeta target=2:core.v1.ObjectReference
core.v1.Capabilities add=1*string drop=2*string
core.v1.ClientIPConfig timeoutSeconds=1:int
core.v1.ConfigMap metadata=1:meta.ObjectMeta immutable=4:bool data=2{string binaryData=3{bytes
core.v1.ConfigMapEnvSource localObjectReference=1:core.v1.LocalObjectReference optional=2:bool
core.v1.ConfigMapKeySelector localObjectReference=1:core.v1.LocalObjectReference key=2:string optional=3:bool
core.v1.ConfigMapProjection localObjectReference=1:core.v1.LocalObjectReference items=2*core.v1.KeyToPath optional=4:bool
core.v1.ConfigMapVolumeSource localObjectReference=1:core.v1.LocalObjectReference items=2*core.v1.KeyToPath defaultMode=3:int optional=4:bool
core.v1.Container name=1:string image=2:string command=3*string args=4*string workingDir=5:string ports=6*core.v1.ContainerPort envFrom=19*core.v1.EnvFromSource env=7*core.v1.EnvVar resources=8:core.v1.ResourceRequirements resizePolicy=23*core.v1.ContainerResizePolicy restartPolicy=24:string volumeMounts=9*core.v1.VolumeMount volumeDevices=21*core.v1.VolumeDevice livenessProbe=10:core.v1.Probe readinessProbe=11:core.v1.Probe startupProbe=22:core.v1.Probe lifecycle=12:core.v1.Lifecycle terminationMessagePath=13:string terminationMessagePolicy=20:string imagePullPolicy=14:string securityContext=15:core.v1.SecurityContext stdin=16:bool stdinOnce=17:bool tty=18:bool
core.v1.ContainerPort name=1:string hostPort=2:int containerPort=3:int protocol=4:string hostIP=5:string
core.v1.ContainerResizePolicy resourceName=1:string restartPolicy=2:string
core.v1.DownwardAPIProjection items=1*core.v1.DownwardAPIVolumeFile
core.v1.DownwardAPIVolumeFile path=1:string fieldRef=2:core.v1.ObjectFieldSelector resourceFieldRef=3:core.v1.ResourceFieldSelector mode=4:int
core.v1.DownwardAPIVolumeSource items=1*core.v1.DownwardAPIVolumeFile defaultMode=2:int
core.v1.EmptyDirVolumeSource medium=1:string sizeLimit=2:Quantity
core.v1.EnvFromSource prefix=1:string configMapRef=2:core.v1.ConfigMapEnvSource secretRef=3:core.v1.SecretEnvSource
core.v1.EnvVar name=1:string value=2:string valueFrom=3:core.v1.EnvVarSource
core.v1.EnvVarSource fieldRef=1:core.v1.ObjectFieldSelector resourceFieldRef=2:core.v1.ResourceFieldSelector configMapKeyRef=3:core.v1.ConfigMapKeySelector secretKeyRef=4:core.v1.SecretKeySelector
core.v1.EphemeralContainer ephemeralContainerCommon=1:core.v1.EphemeralContainerCommon targetContainerName=2:string
core.v1.EphemeralContainerCommon name=1:string image=2:string command=3*string args=4*string workingDir=5:string ports=6*core.v1.ContainerPort envFrom=19*core.v1.EnvFromSource env=7*core.v1.EnvVar resources=8:core.v1.ResourceRequirements resizePolicy=23*core.v1.ContainerResizePolicy restartPolicy=24:string volumeMounts=9*core.v1.VolumeMount volumeDevices=21*core.v1.VolumeDevice livenessProbe=10:core.v1.Probe readinessProbe=11:core.v1.Probe startupProbe=22:core.v1.Probe lifecycle=12:core.v1.Lifecycle terminationMessagePath=13:string terminationMessagePolicy=20:string imagePullPolicy=14:string securityContext=15:core.v1.SecurityContext stdin=16:bool stdinOnce=17:bool tty=18:bool
core.v1.EphemeralVolumeSource volumeClaimTemplate=1:core.v1.PersistentVolumeClaimTemplate
core.v1.Event metadata=1:meta.ObjectMeta involvedObject=2:core.v1.ObjectReference reason=3:string message=4:string source=5:core.v1.EventSource firstTimestamp=6:Time lastTimestamp=7:Time count=8:int type=9:string eventTime=10:MicroTime series=11:core.v1.EventSeries action=12:string related=13:core.v1.ObjectReference reportingComponent=14:string reportingInstance=15:string
core.v1.EventSeries count=1:int lastObservedTime=2:MicroTime
core.v1.EventSource component=1:string host=2:string
core.v1.ExecAction command=1*string
core.v1.GRPCAction port=1:int service=2:string
core.v1.HTTPGetAction path=1:string port=2:IntOrString host=3:string scheme=4:string httpHeaders=5*core.v1.HTTPHeader
core.v1.HTTPHeader name=1:string value=2:string
core.v1.HostAlias ip=1:string hostnames=2*string
core.v1.HostPathVolumeSource path=1:string type=2:string
core.v1.KeyToPath key=1:string path=2:string mode=3:int
core.v1.Lifecycle postStart=1:core.v1.LifecycleHandler preStop=2:core.v1.LifecycleHandler
core.v1.LifecycleHandler exec=1:core.v1.ExecAction httpGet=2:core.v1.HTTPGetAction tcpSocket=3:core.v1.TCPSocketAction sleep=4:core.v1.SleepAction
core.v1.LocalObjectReference name=1:string
core.v1.Namespace metadata=1:meta.ObjectMeta spec=2:core.v1.NamespaceSpec
core.v1.NamespaceSpec finalizers=1*string
core.v1.NodeAffinity requiredDuringSchedulingIgnoredDuringExecution=1:core.v1.NodeSelector preferredDuringSchedulingIgnoredDuringExecution=2*core.v1.PreferredSchedulingTerm
core.v1.NodeSelector nodeSelectorTerms=1*core.v1.NodeSelectorTerm
core.v1.NodeSelectorRequirement key=1:string operator=2:string values=3*string
core.v1.NodeSelectorTerm matchExpressions=1*core.v1.NodeSelectorRequirement matchFields=2*core.v1.NodeSelectorRequirement
core.v1.ObjectFieldSelector apiVersion=1:string fieldPath=2:string
core.v1.ObjectReference kind=1:string namespace=2:string name=3:string uid=4:string apiVersion=5:string resourceVersion=6:string fieldPath=7:string
core.v1.PersistentVolumeClaim metadata=1:meta.ObjectMeta spec=2:core.v1.PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimSpec accessModes=1*string selector=4:meta.LabelSelector resources=2:core.v1.VolumeResourceRequirements volumeName=3:string storageClassName=5:string volumeMode=6:string dataSource=7:core.v1.TypedLocalObjectReference dataSourceRef=8:core.v1.TypedObjectReference volumeAttributesClassName=9:string
core.v1.PersistentVolumeClaimTemplate metadata=1:meta.ObjectMeta spec=2:core.v1.PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimVolumeSource claimName=1:string readOnly=2:bool
core.v1.Pod metadata=1:meta.ObjectMeta spec=2:core.v1.PodSpec
core.v1.PodAffinity requiredDuringSchedulingIgnoredDuringExecution=1*core.v1.PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2*core.v1.WeightedPodAffinityTerm
core.v1.PodAffinityTerm labelSelector=1:meta.LabelSelector namespaces=2*string topologyKey=3:string namespaceSelector=4:meta.LabelSelector matchLabelKeys=5*string mismatchLabelKeys=6*string
core.v1.PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=1*core.v1.PodAffinityTerm preferredDuringSchedulingIgnoredDuringExecution=2*core.v1.WeightedPodAffinityTerm
core.v1.PodDNSConfig nameservers=1*string searches=2*string options=3*core.v1.PodDNSConfigOption
core.v1.PodDNSConfigOption name=1:string value=2:string
core.v1.PodOS name=1:string
core.v1.PodReadinessGate conditionType=1:string
core.v1.PodResourceClaim name=1:string resourceClaimName=3:string resourceClaimTemplateName=4:string
core.v1.PodSchedulingGate name=1:string
core.v1.PodSecurityContext seLinuxOptions=1:core.v1.SELinuxOptions runAsUser=2:int runAsGroup=6:int runAsNonRoot=3:bool supplementalGroups=4*int supplementalGroupsPolicy=12:string fsGroup=5:int sysctls=7*core.v1.Sysctl fsGroupChangePolicy=9:string seccompProfile=10:core.v1.SeccompProfile appArmorProfile=11:core.v1.AppArmorProfile seLinuxChangePolicy=13:string
core.v1.PodSpec volumes=1*core.v1.Volume initContainers=20*core.v1.Container containers=2*core.v1.Container ephemeralContainers=34*core.v1.EphemeralContainer restartPolicy=3:string terminationGracePeriodSeconds=4:int activeDeadlineSeconds=5:int dnsPolicy=6:string nodeSelector=7{string serviceAccountName=8:string serviceAccount=9:string automountServiceAccountToken=21:bool nodeName=10:string hostNetwork=11:bool hostPID=12:bool hostIPC=13:bool shareProcessNamespace=27:bool securityContext=14:core.v1.PodSecurityContext imagePullSecrets=15*core.v1.LocalObjectReference hostname=16:string subdomain=17:string affinity=18:core.v1.Affinity schedulerName=19:string tolerations=22*core.v1.Toleration hostAliases=23*core.v1.HostAlias priorityClassName=24:string priority=25:int dnsConfig=26:core.v1.PodDNSConfig readinessGates=28*core.v1.PodReadinessGate runtimeClassName=29:string enableServiceLinks=30:bool preemptionPolicy=31:string overhead=32{Quantity topologySpreadConstraints=33*core.v1.TopologySpreadConstraint setHostnameAsFQDN=35:bool os=36:core.v1.PodOS hostUsers=37:bool schedulingGates=38*core.v1.PodSchedulingGate resourceClaims=39*core.v1.PodResourceClaim resources=40:core.v1.ResourceRequirements
core.v1.PodTemplateSpec metadata=1:meta.ObjectMeta spec=2:core.v1.PodSpec
core.v1.PreferredSchedulingTerm weight=1:int preference=2:core.v1.NodeSelectorTerm
core.v1.Probe handler=1:core.v1.ProbeHandler initialDelaySeconds=2:int timeoutSeconds=3:int periodSeconds=4:int successThreshold=5:int failureThreshold=6:int terminationGracePeriodSeconds=7:int
core.v1.ProbeHandler exec=1:core.v1.ExecAction httpGet=2:core.v1.HTTPGetAction tcpSocket=3:core.v1.TCPSocketAction grpc=4:core.v1.GRPCAction
core.v1.ProjectedVolumeSource sources=1*core.v1.VolumeProjection defaultMode=2:int
core.v1.ResourceClaim name=1:string request=2:string
core.v1.ResourceFieldSelector containerName=1:string resource=2:string divisor=3:Quantity
core.v1.ResourceQuota metadata=1:meta.ObjectMeta spec=2:core.v1.ResourceQuotaSpec
core.v1.ResourceQuotaSpec hard=1{Quantity scopes=2*string scopeSelector=3:core.v1.ScopeSelector
core.v1.ResourceRequirements limits=1{Quantity requests=2{Quantity claims=3*core.v1.ResourceClaim
core.v1.SELinuxOptions user=1:string role=2:string type=3:string level=4:string
core.v1.ScopeSelector matchExpressions=1*core.v1.ScopedResourceSelectorRequirement
core.v1.ScopedResourceSelectorRequirement scopeName=1:string operator=2:string values=3*string
core.v1.SeccompProfile type=1:string localhostProfile=2:string
core.v1.Secret metadata=1:meta.ObjectMeta immutable=5:bool data=2{bytes stringData=4{string type=3:string
core.v1.SecretEnvSource localObjectReference=1:core.v1.LocalObjectReference optional=2:bool
core.v1.SecretKeySelector localObjectReference=1:core.v1.LocalObjectReference key=2:string optional=3:bool
core.v1.SecretProjection localObjectReference=1:core.v1.LocalObjectReference items=2*core.v1.KeyToPath optional=4:bool
core.v1.SecretVolumeSource secretName=1:string items=2*core.v1.KeyToPath defaultMode=3:int optional=4:bool
core.v1.SecurityContext capabilities=1:core.v1.Capabilities privileged=2:bool seLinuxOptions=3:core.v1.SELinuxOptions runAsUser=4:int runAsGroup=8:int runAsNonRoot=5:bool readOnlyRootFilesystem=6:bool allowPrivilegeEscalation=7:bool procMount=9:string seccompProfile=11:core.v1.SeccompProfile appArmorProfile=12:core.v1.AppArmorProfile
core.v1.Service metadata=1:meta.ObjectMeta spec=2:core.v1.ServiceSpec
core.v1.ServiceAccount metadata=1:meta.ObjectMeta secrets=2*core.v1.ObjectReference imagePullSecrets=3*core.v1.LocalObjectReference automountServiceAccountToken=4:bool
core.v1.ServiceAccountTokenProjection audience=1:string expirationSeconds=2:int path=3:string
core.v1.ServicePort name=1:string protocol=2:string appProtocol=6:string port=3:int targetPort=4:IntOrString nodePort=5:int
core.v1.ServiceSpec ports=1*core.v1.ServicePort selector=2{string clusterIP=3:string clusterIPs=18*string type=4:string externalIPs=5*string sessionAffinity=7:string loadBalancerIP=8:string loadBalancerSourceRanges=9*string externalName=10:string externalTrafficPolicy=11:string healthCheckNodePort=12:int publishNotReadyAddresses=13:bool sessionAffinityConfig=14:core.v1.SessionAffinityConfig ipFamilies=19*string ipFamilyPolicy=17:string allocateLoadBalancerNodePorts=20:bool loadBalancerClass=21:string internalTrafficPolicy=22:string trafficDistribution=23:string
core.v1.SessionAffinityConfig clientIP=1:core.v1.ClientIPConfig
core.v1.SleepAction seconds=1:int
core.v1.Sysctl name=1:string value=2:string
core.v1.TCPSocketAction port=1:IntOrString host=2:string
core.v1.Taint key=1:string value=2:string effect=3:string timeAdded=4:Time
core.v1.Toleration key=1:string operator=2:string value=3:string effect=4:string tolerationSeconds=5:int
core.v1.TopologySpreadConstraint maxSkew=1:int topologyKey=2:string whenUnsatisfiable=3:string labelSelector=4:meta.LabelSelector minDomains=5:int nodeAffinityPolicy=6:string nodeTaintsPolicy=7:string matchLabelKeys=8*string
core.v1.TypedLocalObjectReference apiGroup=1:string kind=2:string name=3:string
core.v1.TypedObjectReference apiGroup=1:string kind=2:string name=3:string namespace=4:string
core.v1.Volume name=1:string volumeSource=2:core.v1.VolumeSource
core.v1.VolumeDevice name=1:string devicePath=2:string
core.v1.VolumeMount name=1:string readOnly=2:bool recursiveReadOnly=7:string mountPath=3:string subPath=4:string mountPropagation=5:string subPathExpr=6:string
core.v1.VolumeProjection secret=1:core.v1.SecretProjection downwardAPI=2:core.v1.DownwardAPIProjection configMap=3:core.v1.ConfigMapProjection serviceAccountToken=4:core.v1.ServiceAccountTokenProjection
core.v1.VolumeResourceRequirements limits=1{Quantity requests=2{Quantity
core.v1.VolumeSource hostPath=1:core.v1.HostPathVolumeSource emptyDir=2:core.v1.EmptyDirVolumeSource secret=6:core.v1.SecretVolumeSource persistentVolumeClaim=10:core.v1.PersistentVolumeClaimVolumeSource downwardAPI=16:core.v1.DownwardAPIVolumeSource configMap=19:core.v1.ConfigMapVolumeSource projected=26:core.v1.ProjectedVolumeSource ephemeral=29:core.v1.EphemeralVolumeSource
core.v1.WeightedPodAffinityTerm weight=1:int podAffinityTerm=2:core.v1.PodAffinityTerm
discovery.v1.Endpoint addresses=1*string conditions=2:discovery.v1.EndpointConditions hostname=3:string targetRef=4:core.v1.ObjectReference deprecatedTopology=5{string nodeName=6:string zone=7:string hints=8:discovery.v1.EndpointHints
discovery.v1.EndpointConditions ready=1:bool serving=2:bool terminating=3:bool
discovery.v1.EndpointHints forZones=1*discovery.v1.ForZone forNodes=2*discovery.v1.ForNode
discovery.v1.EndpointPort name=1:string protocol=2:string port=3:int appProtocol=4:string
discovery.v1.EndpointSlice metadata=1:meta.ObjectMeta addressType=4:string endpoints=2*discovery.v1.Endpoint ports=3*discovery.v1.EndpointPort
discovery.v1.ForNode name=1:string
discovery.v1.ForZone name=1:string
meta.DeleteOptions gracePeriodSeconds=1:int preconditions=2:meta.Preconditions orphanDependents=3:bool propagationPolicy=4:string dryRun=5*string ignoreStoreReadErrorWithClusterBreakingPotential=6:bool
meta.FieldSelectorRequirement key=1:string operator=2:string values=3*string
meta.LabelSelector matchLabels=1{string matchExpressions=2*meta.LabelSelectorRequirement
meta.LabelSelectorRequirement key=1:string operator=2:string values=3*string
meta.ObjectMeta name=1:string generateName=2:string namespace=3:string selfLink=4:string uid=5:string resourceVersion=6:string generation=7:int creationTimestamp=8:Time deletionTimestamp=9:Time deletionGracePeriodSeconds=10:int labels=11{string annotations=12{string ownerReferences=13*meta.OwnerReference finalizers=14*string
meta.OwnerReference apiVersion=5:string kind=1:string name=3:string uid=4:string controller=6:bool blockOwnerDeletion=7:bool
meta.Preconditions uid=1:string resourceVersion=2:string
networking.v1.HTTPIngressPath path=1:string pathType=3:string backend=2:networking.v1.IngressBackend
networking.v1.HTTPIngressRuleValue paths=1*networking.v1.HTTPIngressPath
networking.v1.IPBlock cidr=1:string except=2*string
networking.v1.Ingress metadata=1:meta.ObjectMeta spec=2:networking.v1.IngressSpec
networking.v1.IngressBackend service=4:networking.v1.IngressServiceBackend resource=3:core.v1.TypedLocalObjectReference
networking.v1.IngressRule host=1:string ingressRuleValue=2:networking.v1.IngressRuleValue
networking.v1.IngressRuleValue http=1:networking.v1.HTTPIngressRuleValue
networking.v1.IngressServiceBackend name=1:string port=2:networking.v1.ServiceBackendPort
networking.v1.IngressSpec ingressClassName=4:string defaultBackend=1:networking.v1.IngressBackend tls=2*networking.v1.IngressTLS rules=3*networking.v1.IngressRule
networking.v1.IngressTLS hosts=1*string secretName=2:string
networking.v1.NetworkPolicy metadata=1:meta.ObjectMeta spec=2:networking.v1.NetworkPolicySpec
networking.v1.NetworkPolicyEgressRule ports=1*networking.v1.NetworkPolicyPort to=2*networking.v1.NetworkPolicyPeer
networking.v1.NetworkPolicyIngressRule ports=1*networking.v1.NetworkPolicyPort from=2*networking.v1.NetworkPolicyPeer
networking.v1.NetworkPolicyPeer podSelector=1:meta.LabelSelector namespaceSelector=2:meta.LabelSelector ipBlock=3:networking.v1.IPBlock
networking.v1.NetworkPolicyPort protocol=1:string port=2:IntOrString endPort=3:int
networking.v1.NetworkPolicySpec podSelector=1:meta.LabelSelector ingress=2*networking.v1.NetworkPolicyIngressRule egress=3*networking.v1.NetworkPolicyEgressRule policyTypes=4*string
networking.v1.ServiceBackendPort name=1:string number=2:int
policy.v1.Eviction metadata=1:meta.ObjectMeta deleteOptions=2:meta.DeleteOptions
policy.v1.PodDisruptionBudget metadata=1:meta.ObjectMeta spec=2:policy.v1.PodDisruptionBudgetSpec
policy.v1.PodDisruptionBudgetSpec minAvailable=1:IntOrString selector=2:meta.LabelSelector maxUnavailable=3:IntOrString unhealthyPodEvictionPolicy=4:string
rbac.v1.AggregationRule clusterRoleSelectors=1*meta.LabelSelector
rbac.v1.ClusterRole metadata=1:meta.ObjectMeta rules=2*rbac.v1.PolicyRule aggregationRule=3:rbac.v1.AggregationRule
rbac.v1.ClusterRoleBinding metadata=1:meta.ObjectMeta subjects=2*rbac.v1.Subject roleRef=3:rbac.v1.RoleRef
rbac.v1.PolicyRule verbs=1*string apiGroups=2*string resources=3*string resourceNames=4*string nonResourceURLs=5*string
rbac.v1.Role metadata=1:meta.ObjectMeta rules=2*rbac.v1.PolicyRule
rbac.v1.RoleBinding metadata=1:meta.ObjectMeta subjects=2*rbac.v1.Subject roleRef=3:rbac.v1.RoleRef
rbac.v1.RoleRef apiGroup=1:string kind=2:string name=3:string
rbac.v1.Subject kind=1:string apiGroup=2:string name=3:string namespace=4:string
scheduling.v1.PriorityClass metadata=1:meta.ObjectMeta value=2:int globalDefault=3:bool description=4:string preemptionPolicy=5:string
`;
