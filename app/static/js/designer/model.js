/* One value of one element: how it is read from the BPMN model and written through commands that can be undone.
   Extensions are kept as plain XML elements, so that what this editor does not know is never lost. */
(function () {
  'use strict';
  var SPIFF = 'http://spiffworkflow.org/bpmn/schema/1.0/core', CAMUNDA = 'http://camunda.org/schema/1.0/bpmn';

  window.deskModel = function (modeler, readonly) {
    var modeling = readonly ? null : modeler.get('modeling'), moddle = modeler.get('moddle'), registry = modeler.get('elementRegistry');

    function bo(element) { return element.businessObject; }
    function typeOf(element) {
      var name = bo(element).$type.split(':')[1];
      return name.charAt(0).toLowerCase() + name.slice(1);
    }
    function processOf(element) {
      var one = bo(element);
      if (one.$type === 'bpmn:Participant') return one.processRef;
      if (one.$type !== 'bpmn:Collaboration') return one;
      var pool = (one.participants || []).filter(function (part) { return part.processRef; })[0];
      return pool ? pool.processRef : one;
    }
    /* Whose attributes are meant: those of a pool are those of its process. */
    function subject(element) { return /participant|process|collaboration/.test(typeOf(element)) ? processOf(element) : bo(element); }
    function write(element, target, values) { modeling.updateModdleProperties(element, target, values); }

    /* ---- namespaces and extensions */
    /* Copied, pasted or changed to another type, a step keeps its form, scripts and camunda: attributes. */
    function twin(any) {
      var values = {};
      Object.keys(any).forEach(function (name) { if (name === '$body' || name.charAt(0) !== '$') values[name] = any[name]; });
      if (any.$children) values.$children = any.$children.map(twin);
      return moddle.createAny(any.$type, any.$descriptor.ns.uri || SPIFF, values);
    }
    function keepExtensions() {
      var bus = modeler.get('eventBus');
      bus.on('moddleCopy.canCopyProperties', 3000, function (event) {
        var attrs = event.sourceElement.$attrs || {};
        Object.keys(attrs).forEach(function (name) { if (name.indexOf(':') > 0 && name.indexOf('xmlns') !== 0) event.targetElement.set(name, attrs[name]); });
      });
      bus.on('moddleCopy.canCopyProperty', 3000, function (event) {
        if (event.propertyName !== 'extensionElements' || !event.property || !event.property.values) return undefined;
        var made = moddle.create('bpmn:ExtensionElements', { values: event.property.values.map(function (any) { return any.$descriptor.isGeneric ? twin(any) : any; }) });
        made.values.forEach(function (any) { any.$parent = made; });
        return made;
      });
    }
    if (!readonly) keepExtensions();
    function prefix(uri, usual) {
      var attrs = modeler.getDefinitions().$attrs, found = Object.keys(attrs).filter(function (name) { return attrs[name] === uri && name.indexOf('xmlns:') === 0; })[0];
      if (found) return found.slice(6);
      attrs['xmlns:' + usual] = uri;
      return usual;
    }
    function local(any) { return any.$type.split(':')[1]; }
    function isSpiff(any, name) { return local(any) === name && (!any.$descriptor.ns.uri || any.$descriptor.ns.uri === SPIFF); }
    function extensions(target) { return (target.extensionElements && target.extensionElements.values) || []; }
    function extension(target, name) { return extensions(target).filter(function (any) { return isSpiff(any, name); })[0]; }
    function make(name, values) { return moddle.createAny(prefix(SPIFF, 'spiffworkflow') + ':' + name, SPIFF, values); }
    function children(any) { return (any && any.$children) || []; }
    function setExtension(element, target, name, made) {
      var kept = extensions(target).filter(function (any) { return !isSpiff(any, name); });
      if (made) kept = kept.concat([made]);
      var holder = kept.length ? moddle.create('bpmn:ExtensionElements', { values: kept }) : undefined;
      if (holder) { holder.$parent = target; kept.forEach(function (any) { any.$parent = holder; }); }
      write(element, target, { extensionElements: holder });
    }
    function property(target, name) {
      var found = children(extension(target, 'properties')).filter(function (any) { return any.name === name; })[0];
      return found ? found.value || '' : '';
    }
    function setProperty(element, target, name, value) {
      var seen = false, some = children(extension(target, 'properties')).map(function (any) {
        if (any.name !== name) return any;
        seen = true;
        return value ? make('property', { name: name, value: value }) : null;
      }).filter(Boolean);
      if (!seen && value) some.push(make('property', { name: name, value: value }));
      setExtension(element, target, 'properties', some.length ? make('properties', { $children: some }) : null);
    }

    /* ---- events and what they refer to */
    function definition(element, kind) {
      return ((bo(element).eventDefinitions) || []).filter(function (one) { return one.$type.toLowerCase() === 'bpmn:' + kind + 'eventdefinition'; })[0];
    }
    function eventOf(element) {
      var one = (bo(element).eventDefinitions || [])[0];
      if (one) return one.$type.replace('bpmn:', '').replace('EventDefinition', '').toLowerCase();
      return /^(sendTask|receiveTask)$/.test(typeOf(element)) ? 'message' : '';
    }
    function referred(element, kind, type, named, value) {
      /* Messages, signals, errors and escalations are roots of the file: taken by name, or made. */
      var holder = definition(element, kind) || bo(element), reference = kind + 'Ref';
      if (value === undefined) return holder[reference] ? holder[reference][named] || holder[reference].name || '' : '';
      var roots = modeler.getDefinitions().rootElements, found = null;
      if (value) {
        found = roots.filter(function (one) { return one.$type === type && (one[named] === value); })[0];
        if (!found) {
          var fields = { name: value };
          fields[named] = value;
          found = modeler.get('bpmnFactory').create(type, fields);
          found.$parent = modeler.getDefinitions();
          roots.push(found);
        }
      }
      var change = {};
      change[reference] = found || undefined;
      write(element, holder, change);
    }
    function formal(body, parent) {
      if (!body) return undefined;
      var made = moddle.create('bpmn:FormalExpression', { body: body });
      made.$parent = parent;
      return made;
    }
    var TIMES = ['timeDuration', 'timeDate', 'timeCycle'];
    function timerKind(element) {
      var one = definition(element, 'timer');
      return TIMES.filter(function (name) { return one && one[name]; })[0] || '';
    }

    /* ---- repetition */
    function loopOf(element) {
      var loop = bo(element).loopCharacteristics;
      return !loop ? '' : loop.$type === 'bpmn:StandardLoopCharacteristics' ? 'standard' : 'multi';
    }
    function loopField(name, type) {
      return {
        get: function (element) { var v = (bo(element).loopCharacteristics || {})[name]; return v ? v.body || v.id || v.name || String(v) : ''; },
        set: function (element, value) {
          var loop = bo(element).loopCharacteristics, change = {};
          change[name] = !value ? undefined : type === 'expression' ? formal(value, loop) : type === 'number' ? Number(value) : value;
          write(element, loop, change);
        }
      };
    }
    /* References to data are written as the names themselves: the engine reads them so. */
    function itemField(name, item) {
      return {
        get: function (element) {
          var v = (bo(element).loopCharacteristics || {})[name];
          return v ? v.id || v.name || '' : '';
        },
        set: function (element, value) {
          var loop = bo(element).loopCharacteristics, change = {};
          change[name] = value ? moddle.create(item ? 'bpmn:DataInput' : 'bpmn:Property', { id: value, name: item ? value : undefined }) : undefined;
          if (change[name]) change[name].$parent = loop;
          write(element, loop, change);
        }
      };
    }

    /* ---- lanes */
    function lanes() { return registry.filter(function (one) { return one.type === 'bpmn:Lane'; }); }
    function laneOf(element) {
      var shape = element.host || element, holding = lanes().filter(function (lane) { return (bo(lane).flowNodeRef || []).indexOf(bo(shape)) >= 0; });
      return holding.length ? holding[holding.length - 1] : null;
    }
    function flowsOut(element) { return (element.outgoing || []).filter(function (one) { return one.type === 'bpmn:SequenceFlow'; }); }

    function operator(element) { return extension(bo(element), 'serviceTaskOperator'); }
    function setOperator(element, changes) {
      var old = operator(element) || { $children: [] };
      var values = { id: old.id, resultVariable: old.resultVariable, $children: children(old) };
      Object.keys(changes).forEach(function (name) { values[name] = changes[name]; });
      if (!values.resultVariable) delete values.resultVariable;
      setExtension(element, bo(element), 'serviceTaskOperator', values.id ? make('serviceTaskOperator', values) : null);
    }
    function parameters(element) {
      var list = children(operator(element)).filter(function (any) { return isSpiff(any, 'parameters'); })[0];
      return children(list).filter(function (any) { return isSpiff(any, 'parameter'); });
    }
    function setParameter(element, id, type, value) {
      var some = parameters(element).filter(function (any) { return any.id !== id; });
      if (value) some.push(make('parameter', { id: id, type: type, value: value }));
      var others = children(operator(element)).filter(function (any) { return !isSpiff(any, 'parameters'); });
      setOperator(element, { $children: [make('parameters', { $children: some })].concat(others) });
    }

    function attribute(name) {
      return { get: function (element) { return bo(element)[name] || ''; }, set: function (element, value) { var change = {}; change[name] = value || undefined; modeling.updateProperties(element, change); } };
    }
    function reference(kind, type, named) {
      return { get: function (element) { return referred(element, kind, type, named); }, set: function (element, value) { referred(element, kind, type, named, value); } };
    }
    var fields = {
      name: {
        get: function (element) { return (typeOf(element) === 'textAnnotation' ? bo(element).text : /^(process|collaboration)$/.test(typeOf(element)) ? subject(element).name : bo(element).name) || ''; },
        set: function (element, value) {
          if (/^(process|collaboration)$/.test(typeOf(element))) write(element, subject(element), { name: value || undefined });
          else modeling.updateLabel(element, value);
        }
      },
      lane_role: { get: function (element) { return bo(element).name || ''; }, set: function (element, value) { modeling.updateLabel(element, value); } },
      process_id: { get: function (element) { return (processOf(element) || {}).id || ''; } },
      executable: { get: function (element) { return (processOf(element) || {}).isExecutable !== false; }, set: function (element, value) { write(element, processOf(element), { isExecutable: value }); } },
      id: {
        get: function (element) { return bo(element).id; },
        set: function (element, value) {
          if (!/^[A-Za-z_][\w.-]*$/.test(value) || registry.get(value)) return;
          modeling.updateProperties(element, { id: value });
        }
      },
      documentation: {
        get: function (element) { var docs = (subject(element) || {}).documentation || []; return docs.length ? docs[0].text || '' : ''; },
        set: function (element, value) {
          var target = subject(element), made = value ? moddle.create('bpmn:Documentation', { text: value }) : null;
          if (made) made.$parent = target;
          write(element, target, { documentation: made ? [made].concat((target.documentation || []).slice(1)) : [] });
        }
      },
      lane: {
        get: function (element) { var lane = laneOf(element); return lane ? lane.id : ''; },
        set: function (element, value) {
          var lane = registry.get(value);
          if (!lane || lane === laneOf(element) || element.host) return;
          modeling.moveElements([element], { x: 0, y: Math.round(lane.y + lane.height / 2 - element.y - element.height / 2) }, element.parent);
        }
      },
      timer_kind: {
        get: timerKind,
        set: function (element, value) {
          var one = definition(element, 'timer'), text = fields.timer.get(element) || ({ timeDuration: 'PT8H', timeCycle: 'R3/P1D' })[value] || '', change = {};
          TIMES.forEach(function (name) { change[name] = name === value ? moddle.create('bpmn:FormalExpression', { body: text }) : undefined; });
          if (change[value]) change[value].$parent = one;
          write(element, one, change);
        }
      },
      timer: {
        get: function (element) { var one = definition(element, 'timer'), kind = timerKind(element); return kind ? one[kind].body || '' : ''; },
        set: function (element, value) {
          var one = definition(element, 'timer'), change = {};
          change[timerKind(element) || 'timeDuration'] = formal(value, one);
          write(element, one, change);
        }
      },
      interrupting: { get: function (element) { return bo(element).cancelActivity !== false; }, set: function (element, value) { modeling.updateProperties(element, { cancelActivity: value }); } },
      condition: {
        get: function (element) { var one = bo(element).conditionExpression; return one ? one.body || '' : ''; },
        set: function (element, value) { modeling.updateProperties(element, { conditionExpression: formal(value, bo(element)) }); }
      },
      is_default: {
        get: function (element) { return !!element.source && bo(element.source)['default'] === bo(element); },
        set: function (element, value) {
          if (value && bo(element).conditionExpression) modeling.updateProperties(element, { conditionExpression: undefined });
          modeling.updateProperties(element.source, { 'default': value ? bo(element) : undefined });
        }
      },
      'default': {
        get: function (element) { var flow = bo(element)['default']; return flow ? flow.id : ''; },
        set: function (element, value) { modeling.updateProperties(element, { 'default': value ? bo(registry.get(value)) : undefined }); }
      },
      called: attribute('calledElement'),
      script: attribute('script'),
      decision: {
        get: function (element) { var one = extension(bo(element), 'calledDecisionId'); return one ? (one.$body || '').trim() : ''; },
        set: function (element, value) { setExtension(element, bo(element), 'calledDecisionId', value ? make('calledDecisionId', { $body: value }) : null); }
      },
      connector: { get: function (element) { return (operator(element) || {}).id || ''; }, set: function (element, value) { setOperator(element, { id: value, $children: [] }); } },
      result: { get: function (element) { return (operator(element) || {}).resultVariable || ''; }, set: function (element, value) { setOperator(element, { resultVariable: value }); } },
      message: reference('message', 'bpmn:Message', 'name'),
      signal: reference('signal', 'bpmn:Signal', 'name'),
      error_code: reference('error', 'bpmn:Error', 'errorCode'),
      escalation_code: reference('escalation', 'bpmn:Escalation', 'escalationCode'),
      payload: {
        get: function (element) { var one = extension(definition(element, 'message') || bo(element), 'messagePayload'); return one ? one.$body || '' : ''; },
        set: function (element, value) { setExtension(element, definition(element, 'message') || bo(element), 'messagePayload', value ? make('messagePayload', { $body: value }) : null); }
      },
      event_condition: {
        get: function (element) { var one = definition(element, 'conditional'); return one && one.condition ? one.condition.body || '' : ''; },
        set: function (element, value) { var one = definition(element, 'conditional'); write(element, one, { condition: formal(value, one) }); }
      },
      cardinality: loopField('loopCardinality', 'expression'),
      completion: loopField('completionCondition', 'expression'),
      loop_condition: loopField('loopCondition', 'expression'),
      loop_maximum: loopField('loopMaximum', 'number'),
      inputs: itemField('loopDataInputRef'), outputs: itemField('loopDataOutputRef'),
      input_item: itemField('inputDataItem', true), output_item: itemField('outputDataItem', true)
    };

    function field(key) {
      if (fields[key]) return fields[key];
      var kind = key.split(':')[0], name = key.slice(kind.length + 1);
      if (kind === 'prop') return { get: function (element) { return property(subject(element), name); }, set: function (element, value) { setProperty(element, subject(element), name, value); } };
      if (kind === 'ext') return {
        get: function (element) { var one = extension(bo(element), name); return one ? (one.$body || '').trim() : ''; },
        set: function (element, value) { setExtension(element, bo(element), name, value ? make(name, { $body: value }) : null); }
      };
      return {
        get: function (element) { return bo(element).$attrs[prefix(CAMUNDA, 'camunda') + ':' + name] || ''; },
        set: function (element, value) { var change = {}; change[prefix(CAMUNDA, 'camunda') + ':' + name] = value || undefined; modeling.updateProperties(element, change); }
      };
    }
    /* The engine reads some references as names of variables; the library would drop what refers to no element. */
    function heal(warnings) {
      (warnings || []).forEach(function (one) {
        if (!one.element || !one.property || !one.value || !/^unresolved reference/.test(one.message)) return;
        var known = moddle.getPropertyDescriptor(one.element, one.property);
        if (!known || known.isMany || one.element.get(known.name)) return;
        var stub = moddle.create(/Loop/.test(one.element.$type) ? 'bpmn:Property' : known.type, { id: one.value });
        stub.$parent = one.element;
        one.element.set(known.name, stub);
      });
    }
    return {
      heal: heal,
      typeOf: typeOf, eventOf: eventOf, loopOf: loopOf, lanes: lanes, laneOf: laneOf, flowsOut: flowsOut, parameters: parameters, setParameter: setParameter, timerKind: timerKind,
      get: function (element, key) { return field(key).get(element); },
      set: function (element, key, value) { field(key).set(element, value); },
      canSet: function (key) { return !!field(key).set; },
      sequential: function (element) { return !!(bo(element).loopCharacteristics || {}).isSequential; },
      parentName: function (lane) { return bo(lane).name || lane.id; }
    };
  };
})();
